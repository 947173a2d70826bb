// What the clients share: where the server and the keys are, a browser, and a line for each check.
import { readFile } from 'node:fs/promises';

export const issuer = process.env.ISSUER;
export const redirectUri = 'http://127.0.0.1/callback';

export const pem = (name) => readFile(`${process.env.KEYS}/${name}.pem`, 'utf8');

/** Prints the check and what it brought, or why it failed; the next check runs all the same. */
export async function check(name, run) {
  try {
    console.log(`${name}: ${await run()}`);
  } catch (error) {
    const chain = [];
    for (let it = error; it; it = it.cause) {
      const words = [it.code ?? it.errorCode, it.message ?? JSON.stringify(it), it.error_description];
      chain.push(words.filter(Boolean).join(' '));
    }
    console.log(`${name}: FAILED ${chain.join('; ').replaceAll('\n', ' ').slice(0, 400)}`);
  }
}

/** Opens the authorization endpoint; the server has been told who the user is and redirects at once. */
export async function login(url) {
  const response = await fetch(url, { redirect: 'manual' });
  const location = response.headers.get('location');
  if (!location) throw new Error(`no redirect: ${response.status} ${await response.text()}`);
  return new URL(location);
}

/** Says yes to a device, as a user would at the page. */
export async function approve({ verification_uri, user_code }) {
  const body = new URLSearchParams({ user_code, decision: 'approve', subject: 'user-1' });
  const response = await fetch(verification_uri, { method: 'POST', body });
  if (!response.ok) throw new Error(`not approved: ${response.status} ${await response.text()}`);
}
