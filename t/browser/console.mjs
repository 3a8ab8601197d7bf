/*
 * What operators see of the console, and do by it, in a browser;
 * t/43-console-browser.t starts this.  SHOTS=folder keeps pictures of it.
 */

import {PHONE, accessible, end, fits, is, ok, server, shot, test,
        words} from './harness.mjs';

const DESK = {viewport: {width: 1280, height: 900}};

const job = (page, state) => page.locator(`.job[data-state=${state}]`);
const part = (page, name) => page.locator(`[data-pipeline=${name}]`);


await test('console', '/console/', DESK, async page => {
    await job(page, 'failed').first().waitFor();
    await job(page, 'running').first().waitFor();
    await words(page.locator('#link'), 'Live');
    await words(part(page, 'closet').locator('svg .busy'), 'running');
    await words(page.locator('#services tr', {hasText: 'broken'}), 'open');
    await accessible(page, 'console');
    await fits(page, 'console');
    await shot(page, 'console');
});


await test('dark', '/console/', {...DESK, colorScheme: 'dark'},
           async page => {
    await job(page, 'failed').first().waitFor();
    await accessible(page, 'dark');
    await shot(page, 'console-dark');
});


await test('phone', '/console/', PHONE, async page => {
    await job(page, 'failed').first().waitFor();
    await accessible(page, 'phone');
    ok(await page.evaluate(() => document.documentElement.scrollWidth
                                 <= document.documentElement.clientWidth),
       'phone: the page is as wide as the screen');
    await shot(page, 'console-phone');
});


/* a file's name, a param, a service's words may be markup: here the last */

await test('markup', '/console/', DESK, async page => {
    const row = job(page, 'failed').filter({hasText: 'markup'}).first();

    await row.waitFor();
    await row.locator('[data-look]').click();
    await page.locator('dialog[open] .facts').waitFor();
    await words(page.locator('dialog .facts'), '<img src=x onerror=alert(1)>');
    is(await page.locator('.facts img').count(), 0,
       'markup: words of strangers stay words');
});


await test('job', '/console/', DESK, async page => {
    const row = job(page, 'failed').filter({hasText: 'broken'}).first();

    await row.waitFor();
    await row.locator('[data-look]').focus();
    await page.keyboard.press('Enter');
    await page.locator('dialog[open] figure').first().waitFor();
    await page.waitForFunction(() => [...document.querySelectorAll(
        'dialog img')].every(image => image.naturalWidth > 0));
    await accessible(page, 'job');
    await shot(page, 'console-job');
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => !document.querySelector('dialog').open);
    ok(await page.evaluate(() => document.activeElement.dataset.look),
       'job: the focus is where it was');
});


await test('retry', '/console/', DESK, async page => {
    const row = job(page, 'failed').filter({hasText: 'once'}).first();

    await row.waitFor();

    const id = await row.getAttribute('data-job');

    await row.getByRole('button', {name: 'Retry'}).click();
    await words(page.locator('#news'), 'The job runs again');
    await page.locator(`[data-job="${id}"][data-state=succeeded]`).waitFor();
    ok(true, 'retry: the job runs on, and succeeds');
});


await test('pause', '/console/', DESK, async page => {
    const once = part(page, 'once');

    await once.getByRole('button', {name: 'Pause second'}).click();
    await words(once.locator('svg .paused'), 'second');
    is(await server('submit'), 202, 'pause: jobs are accepted');
    await job(page, 'running').filter({hasText: 'once'}).waitFor();

    /* the page itself is loaded again, nginx too */

    await server('reload');
    await page.reload();
    await words(once.locator('svg .paused'), 'second');
    await job(page, 'running').filter({hasText: 'once'}).waitFor();
    await once.getByRole('button', {name: 'go on with second'}).click();
    await job(page, 'running').filter({hasText: 'once'})
        .waitFor({state: 'detached'});
    is(await once.locator('svg .paused').count(), 0, 'pause: it goes on');
});


await test('drain', '/console/', DESK, async page => {
    const once = part(page, 'once');

    page.on('dialog', dialog => dialog.accept());
    await once.getByRole('button', {name: 'Drain'}).click();
    await words(once, 'accept again');
    is(await server('submit'), 503, 'drain: no new job comes');
    await once.getByRole('button', {name: 'accept again'}).click();
    await once.getByRole('button', {name: 'Drain'}).waitFor();
    is(await server('submit'), 202, 'drain: until it does');
});


await test('lost', '/console/', DESK, async page => {
    await words(page.locator('#link'), 'Live');
    await server('stop');
    await words(page.locator('#link[data-lost]'), 'No answer');
    await server('start');
    await words(page.locator('#link'), 'Live');
    ok(true, 'lost: the page finds the server again');
});

await end();
