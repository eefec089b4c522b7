// Opens GraphiQL on this service. The token stays in this tab: sessionStorage, never an address or a cookie.
"use strict";

const input = document.getElementById("token");
const who = document.getElementById("who");

function headersWith(token) {
  const headers = { "Content-Type": "application/json", Accept: "application/graphql-response+json, application/json" };
  return token ? { ...headers, Authorization: `Bearer ${token}` } : headers;
}

async function send(params, extra) {
  const response = await fetch("/graphql", {
    method: "POST",
    headers: { ...headersWith(input.value.trim()), ...extra },
    body: JSON.stringify(params),
  });
  return response.json();
}

async function showViewer() {
  const answer = await send({ query: "{ viewer { user { displayName } } }" });
  who.className = answer.errors ? "refused" : "";
  who.textContent = answer.errors ? answer.errors[0].message : (answer.data.viewer?.user.displayName ?? "anonymous");
}

async function start() {
  input.value = sessionStorage.getItem("feed_service.token") ?? "";
  input.addEventListener("change", () => {
    sessionStorage.setItem("feed_service.token", input.value.trim());
    showViewer();
  });
  const examples = await (await fetch("/graphiql/examples.json")).json();
  const graphiql = React.createElement(GraphiQL, {
    fetcher: (params, options) => send(params, options?.headers),
    defaultTabs: examples.map((query) => ({ query })),
    defaultEditorToolsVisibility: false,
    shouldPersistHeaders: false,
  });
  ReactDOM.createRoot(document.getElementById("graphiql")).render(graphiql);
  await showViewer();
}

start();
