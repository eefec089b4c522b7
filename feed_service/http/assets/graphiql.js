// The page around GraphiQL: the token bar, the example tabs, and the way to /graphql or /admin.
(() => {
  'use strict';

  // GraphiQL's dialogs insert one style element each, and give it this nonce.
  globalThis.__webpack_nonce__ = document.currentScript.nonce;

  const TOKEN = 'feed_service:token';
  const input = document.getElementById('token');
  const output = document.getElementById('signed-in');

  // The same page is at /graphql and at /admin; a token says who somebody is at /graphql only.
  const GRAPHQL = '/graphql';
  const HERE = location.pathname.startsWith('/admin') ? '/admin' : GRAPHQL;

  async function ask(request, headers = {}, address = GRAPHQL) {
    const token = sessionStorage.getItem(TOKEN);
    const response = await fetch(address, {
      method: 'POST',
      headers: {
        accept: 'application/graphql-response+json, application/json',
        'content-type': 'application/json',
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...headers,
      },
      body: JSON.stringify(request),
    });
    return response.json();
  }

  function show(text, isBad = false) {
    output.textContent = text;
    output.classList.toggle('bad', isBad);
  }

  async function showWhoIsSignedIn() {
    if (!sessionStorage.getItem(TOKEN)) {
      show('Anonymous');
      return;
    }
    try {
      const { data, errors } = await ask({ query: '{ viewer { user { username } } }' });
      const name = data?.viewer?.user?.username;
      show(name ? `Signed in as ${name}` : (errors?.[0]?.message ?? 'Not signed in'), !name);
    } catch {
      show('The service does not answer.', true);
    }
  }

  function keepToken() {
    const token = input.value.trim();
    if (token) sessionStorage.setItem(TOKEN, token);
    else sessionStorage.removeItem(TOKEN);
    // What is at /admin is told to administrators only, its schema as well: it is asked for when the page opens.
    if (HERE === GRAPHQL) showWhoIsSignedIn();
    else location.reload();
  }

  async function render() {
    const { dataset } = document.body;
    const examples = await (await fetch(HERE === GRAPHQL ? dataset.examples : dataset.adminExamples)).json();
    ReactDOM.createRoot(document.getElementById('graphiql')).render(
      React.createElement(GraphiQL, {
        fetcher: (request, options) => ask(request, options?.headers, HERE),
        defaultTabs: examples.map((query) => ({ query })),
        defaultEditorToolsVisibility: true,
        inputValueDeprecation: true,
        shouldPersistHeaders: false,
      }),
    );
  }

  input.value = sessionStorage.getItem(TOKEN) ?? '';
  input.addEventListener('change', keepToken);
  document.getElementById('sign-in').addEventListener('submit', (event) => event.preventDefault());
  showWhoIsSignedIn();
  render();
})();
