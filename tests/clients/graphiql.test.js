// GraphiQL in a real browser: whole from the program, within its own Content-Security-Policy, in German, with tokens.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from './browser.js';
import { start } from './server.js';

let server, browser;
before(async () => {
  server = await start();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** A fresh page on /graphiql, with everything that it asked for and complained about. */
async function open() {
  const context = await browser.newContext({ locale: 'de-DE' });
  const page = await context.newPage();
  const asked = [], complaints = [];
  page.on('request', (request) => asked.push(request.url()));
  page.on('requestfailed', (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
  });
  await page.goto(`${server.origin}/graphiql`);
  await page.getByRole('button', { name: 'Execute query' }).waitFor();
  return {
    page, asked,
    /** Nothing was blocked, nothing failed, nobody else was asked. */
    check: async (expected = []) => {
      assert.deepEqual(await page.evaluate(() => window.violations), []);
      assert.deepEqual(complaints, expected);
      const foreign = asked.filter((url) => !url.startsWith(`${server.origin}/`) && !url.startsWith('data:') && !url.startsWith('blob:'));
      assert.deepEqual(foreign, []);
      await context.close();
    },
  };
}

const run = (page) => page.getByRole('button', { name: 'Execute query' }).click();
const shown = (page) => page.evaluate(() => document.querySelector('.result-window .CodeMirror').CodeMirror.getValue());
async function write(page, place, text) {
  await page.locator(place).click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(text);
}
/** Waits until the answer holds a text. */
async function answered(page, text) {
  await page.waitForFunction((text) => document.querySelector('.result-window .CodeMirror')?.CodeMirror.getValue().includes(text), text);
  return JSON.parse(await shown(page));
}

test('an example runs, and its answer is shown', async () => {
  const { page, asked, check } = await open();
  assert.equal(await page.title(), 'IT-Katalog NRW: Abfragen ausprobieren (GraphiQL)');
  await page.getByRole('button', { name: 'Was kann Aachen haben, das mit Akten zu tun hat?' }).click();
  await run(page);
  const { data } = await answered(page, 'availableProducts');
  assert.equal(data.availableProducts.edges[0].node.product.name, 'E-Akte');
  assert.ok(asked.some((url) => url.endsWith('/graphiql/graphiql-3.9.0.min.js')));
  await check();
});

test('each kind of user finds its examples, and the help is German', async () => {
  const { page, check } = await open();
  const kinds = await page.locator('.itkatalog-panel h2').allTextContents();
  assert.deepEqual(kinds, ['Portal (ohne Token)', 'Kommune', 'Anbieter', 'Kundenbetreuung', 'Katalogverantwortung', 'Transformationsbüro', 'Land', 'Revision']);
  await page.getByRole('button', { name: 'Show Hilfe' }).click();
  await page.getByText('Ohne Token ist der öffentliche Katalog lesbar.').waitFor();
  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
  await page.getByText('Root Types').waitFor();
  await check();
});

test('a token in the header editor changes who is asking, goes along into examples, and is not stored', async () => {
  const { page, check } = await open();
  await run(page);
  assert.deepEqual((await answered(page, 'viewer')).data.viewer, { subject: null, roles: [] });
  const token = await server.token('municipality', '--municipality', '05334002');
  await write(page, '[aria-label="Headers"] .graphiql-editor:not(.hidden) .CodeMirror', JSON.stringify({ Authorization: `Bearer ${token}` }));
  await run(page);
  assert.deepEqual((await answered(page, 'MUNICIPALITY')).data.viewer.roles, ['MUNICIPALITY']);
  await page.getByRole('button', { name: 'Was beziehen wir, was kostet es, was dürfen wir damit tun?' }).click();
  await run(page);
  const { data } = await answered(page, 'annualCost');
  assert.equal(data.viewer.municipality.name, 'Aachen');
  await page.waitForFunction(() => JSON.stringify({ ...localStorage }).includes('EigeneBezuege'));
  await page.getByRole('button', { name: 'Show History' }).click();
  await page.locator('.graphiql-history-item').nth(2).waitFor();
  const stored = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
  assert.ok(!stored.includes(token.slice(-20)) && !stored.includes('Bearer'), stored);
  await check();
});

test('a subscription shows changes as they are made', async () => {
  const { page, check } = await open();
  await page.getByRole('button', { name: /Was ändert sich gerade/ }).click();
  const opened = page.waitForResponse((answer) => answer.headers()['content-type'] === 'text/event-stream');
  await run(page);
  await opened;
  await server.change();
  const { data } = await answered(page, '"sequence"');
  assert.equal(data.changes.change.type, 'FREEZE');
  const aborted = page.waitForEvent('requestfailed');
  await page.getByRole('button', { name: 'Stop query' }).click();
  await aborted;
  await page.getByRole('button', { name: 'Execute query' }).waitFor();
  await check([`${server.url}: net::ERR_ABORTED`]);
});

test('a refused token is told, and the settings and the history open', async () => {
  const { page, check } = await open();
  await write(page, '[aria-label="Headers"] .graphiql-editor:not(.hidden) .CodeMirror', '{"Authorization": "Bearer nonsense"}');
  await run(page);
  assert.equal((await answered(page, 'UNAUTHENTICATED')).errors[0].extensions.code, 'UNAUTHENTICATED');
  await page.getByRole('button', { name: 'Open settings dialog' }).click();
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Show History' }).click();
  await page.locator('.graphiql-history').waitFor();
  await check(['Failed to load resource: the server responded with a status of 401 (Unauthorized)']);
});
