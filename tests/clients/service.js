/** The services that tests/clients/test_clients.py started, and what was asked of them. */

/** Two on one database; neither knows which documents the other has been sent. */
export const [URL_ONE, URL_TWO] = process.env.FEED_URLS.split(" ");

/** A fetch that notes each request and the answer's status: "GET hash 200", "POST hash+text 200". */
export function noting() {
  const noted = [];
  const fetchAndNote = async (url, init = {}) => {
    const response = await fetch(url, init);
    const asked = init.body ? JSON.parse(init.body) : Object.fromEntries(new URL(url).searchParams);
    const parts = [asked.extensions && "hash", asked.query && "text"].filter(Boolean);
    noted.push(`${init.method ?? "GET"} ${parts.join("+")} ${response.status}`);
    return response;
  };
  return { noted, take: () => noted.splice(0), fetch: fetchAndNote };
}

/** Data of a plain POST; for what a test needs to be there. */
export async function ask(query, variables = {}, token = null) {
  const response = await fetch(`${URL_ONE}/graphql`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

/** The access token of a new user. */
export async function signedUp(username) {
  const input = { username, email: `${username}@example.org`, password: "flour, water, salt" };
  const { signUp } = await ask(
    "mutation ($input: SignUpInput!) { signUp(input: $input) { session { accessToken } userErrors { code } } }",
    { input },
  );
  return signUp.session.accessToken;
}

export const CREATE_POST = `mutation CreatePost($input: CreatePostInput!) {
  createPost(input: $input) { post { id } consistencyToken userErrors { code } }
}`;

/** The id of a new post. */
export async function posted(title, token) {
  const { createPost } = await ask(CREATE_POST, { input: { title, body: title } }, token);
  return createPost.post.id;
}
