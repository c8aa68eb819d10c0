#!/usr/bin/env node
// A municipality requests a product and waits until somebody has decided: the state is told as it changes, by server-sent events.
//
//     request-and-follow.mjs AGS PROVIDER EXTERNAL-ID FROM      for example 05334002 regioit PER-02 2027-07-01
//
// Needs a token of the municipality. Ends with 0 when it is approved or active, with 1 when it is refused.
import { readFile } from 'node:fs/promises';

const { CATALOGUE_URL: url = 'http://127.0.0.1:8080/graphql', ITKATALOG_TOKEN: token, CATALOGUE_LANG: language = 'de' } = process.env;
const [ags, provider, externalId, from] = process.argv.slice(2);
process.on('uncaughtException', ({ message, cause }) => stop(`${url}: ${cause?.message ?? message}`));
if (!from) stop('request-and-follow.mjs AGS PROVIDER EXTERNAL-ID FROM');

function stop(message) {
  console.error(message);
  process.exit(1);
}

/** Sends a document of documents/; `accept` says whether one answer is wanted or a stream. */
async function send(document, variables, accept = 'application/json') {
  const query = await readFile(new URL(`documents/${document}.graphql`, import.meta.url), 'utf8');
  const headers = { 'Content-Type': 'application/json', Accept: accept, 'Accept-Language': language, ...(token && { Authorization: `Bearer ${token}` }) };
  return fetch(url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
}

function check({ data, errors }) {
  if (errors) stop(errors.map(({ message }) => message).join('\n'));
  return data;
}

const ask = async (document, variables) => check(await (await send(document, variables)).json());

/** The results of a subscription. Each event of the stream is some lines, then an empty one; what counts are those with `data: `. */
async function* follow(document, variables) {
  let rest = '';
  for await (const chunk of (await send(document, variables, 'text/event-stream')).body.pipeThrough(new TextDecoderStream())) {
    const events = (rest + chunk).split('\n\n');
    rest = events.pop();
    for (const event of events) {
      const data = event.split('\n').filter((line) => line.startsWith('data: ')).map((line) => line.slice(6)).join('\n');
      if (data) yield check(JSON.parse(data));
    }
  }
}

// Where the feed stands before anything is asked: so nothing that follows can be missed.
const { changes: { latestCursor } } = await ask('latest_cursor');
const { product } = await ask('find_product', { provider, externalId });
const input = {
  subscriber: { municipality: { ags } }, product: product.id, quantity: 1, from,
  reason: { code: 'NEED', text: 'Beispiel' },
  // Made from what is asked: started again after a lost answer, it is the same request.
  idempotencyKey: `example-${ags}-${provider}-${externalId}-${from}`,
};
const { requestSubscription: { subscription, decision, errors } } = await ask('request', { input });
if (errors.length > 0) stop(errors.map(({ message, nextStep }) => `${message} ${nextStep}`).join('\n'));
console.log(`${product.name}: ${subscription.id} ${subscription.state}, to be approved by ${decision?.approvers.join(' or ') || 'nobody'}`);

for await (const { changes: { change } } of follow('follow', { after: latestCursor })) {
  if (change.entityId !== subscription.id || !change.entity) continue;
  const { state } = change.entity;
  console.log(`${change.at} ${state}`);
  if (state !== 'REQUESTED') process.exit(['APPROVED', 'ACTIVE'].includes(state) ? 0 : 1);
}
