// What a municipality's script does, with types from the schema: find an offer, request it, print what became of it as JSON.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { OffersDocument, RequestDocument, type RequestSubscriptionInput } from './generated/graphql.js';

const { CATALOGUE_URL: url = 'http://127.0.0.1:8080/graphql', ITKATALOG_TOKEN: token } = process.env;

async function ask<Data, Variables>(document: TypedDocumentNode<Data, Variables>, variables: Variables): Promise<Data> {
  const headers: Record<string, string> = { 'Content-Type': 'application/json' };
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query: print(document), variables }) });
  const { data, errors } = (await answer.json()) as { data?: Data; errors?: { message: string }[] };
  if (!data || errors) throw new Error(errors?.map(({ message }) => message).join('\n') ?? 'no data');
  return data;
}

const { availableProducts } = await ask(OffersDocument, { ags: '05334002', search: 'akte', first: 5 });
const offer = availableProducts?.edges[0]?.node;
if (!offer) throw new Error('nothing is offered');

const input: RequestSubscriptionInput = {
  subscriber: { municipality: { ags: '05334002' } },
  product: offer.product.id,
  quantity: 12,
  from: '2027-03-01',
  reason: { code: 'NEED', text: 'Probe' },
  idempotencyKey: 'typescript-1',
};
const { requestSubscription } = await ask(RequestDocument, { input });
const subscription = requestSubscription?.subscription;
// A union: the compiler knows which fields which kind of subscriber has.
const subscriber = subscription?.subscriber;
const ags: string | undefined = subscriber && 'ags' in subscriber ? subscriber.ags : undefined;
// @ts-expect-error: a field that was not asked for has no type.
subscription?.quantity;
// @ts-expect-error: a value that the enum does not have.
if (offer.status === 'MAYBE') throw new Error('never');

console.log(JSON.stringify({ product: offer.product.name, state: subscription?.state, ags, errors: requestSubscription?.errors }));
