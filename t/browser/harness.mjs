/*
 * What the tests of run.mjs are made of: one chromium, a page for each, and
 * the line to t/42-browser.t, which prints what is found and does to the server
 * what is asked for.  Conditions are waited for, by playwright's locators.
 */

import {createRequire} from 'node:module';
import {createInterface} from 'node:readline';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';

const require = createRequire(join(process.env.NODE_PATH, 'any.js'));
const {chromium} = require('playwright-core');

export const {BASE, FOLDER} = process.env;

const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const SLOW = process.env.BUILD === 'asan' ? 4 : 1;
const TIMEOUT = 30000 * SLOW;

export const PHONE = {
    viewport: {width: 390, height: 844}, isMobile: true, hasTouch: true,
};

const answers = createInterface({input: process.stdin})[Symbol.asyncIterator]();


function say(line) {
    process.stdout.write(JSON.stringify(line) + '\n');
}


export function ok(passed, name, why = '') {
    say({ok: Boolean(passed), name,
         why: `${why}\n${new Error().stack.split('\n')[2].trim()}`});
}


export function is(got, wanted, name) {
    ok(JSON.stringify(got) === JSON.stringify(wanted), name,
       `     got: ${JSON.stringify(got)}\nexpected: ${JSON.stringify(wanted)}`);
}


export function note(text) {
    say({note: String(text)});
}


/* "stop", "start" and the like, one after the other */

export async function server(call, ...args) {
    say({call, with: args});
    return JSON.parse((await answers.next()).value);
}


export function file(name) {
    return readFileSync(join(FOLDER, name));
}


/* the photo with a comment of its own: never known from before */

let count = 0;

export function photo(name = `photo-${++count}.jpg`, from = 'photo.jpg') {
    const image = file(from);
    const text = Buffer.from(`${process.pid}-${++count}`);
    const length = Buffer.alloc(2);

    length.writeUInt16BE(text.length + 2);

    return {name, mimeType: 'image/jpeg', buffer: Buffer.concat([
        image.subarray(0, 2), Buffer.from([0xff, 0xfe]), length, text,
        image.subarray(2)])};
}


const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
});


/* A test: its page is closed in the end, and whatever failed in it fails. */

export async function test(name, path, options, body) {
    const context = await browser.newContext({baseURL: BASE, ...options});
    const page = await context.newPage();
    const errors = [];
    const began = Date.now();

    page.setDefaultTimeout(TIMEOUT);
    page.on('pageerror', error => errors.push(error.stack));
    page.on('console', message => {
        if (message.text().includes('Content Security Policy')) {
            errors.push(message.text());
        }
    });

    try {
        await page.goto(path);
        await body(page);
        is(errors, [], `${name}: no script failed`);

    } catch (error) {
        ok(false, name, error.stack);

        if (process.env.SHOTS) {
            await page.screenshot({path: join(process.env.SHOTS,
                                              `failed-${name}.png`)});
        }
    } finally {
        await context.close();
        note(`${name}: ${Date.now() - began} ms`);
    }
}


/* the job's card that has this in its heading, once it is in this state */

export async function card(page, name, state) {
    const found = page.locator('.job', {
        has: page.locator('h2', {hasText: name}),
    });

    await found.first().waitFor();

    if (state) {
        await page.locator(`.job[data-state=${state}]`, {
            has: page.locator('h2', {hasText: name}),
        }).waitFor();
    }

    return found;
}


export async function words(where, text) {
    await where.filter({hasText: text}).first().waitFor();
}


/* what a sighted person may not notice */

export async function accessible(page, name) {
    await page.evaluate(AXE);

    const {violations} = await page.evaluate(() => axe.run());

    is(violations.map(({id, nodes}) => [id, nodes[0].html]), [],
       `${name}: axe finds nothing`);
}


/* nothing sticks out of a narrow screen */

export async function fits(page, name) {
    is(await page.evaluate(() => [...document.querySelectorAll('body *')]
        .filter(part => part.getBoundingClientRect().right
                        > document.documentElement.clientWidth + 1
                        && !part.closest('.unseen, svg'))
        .map(part => part.outerHTML.slice(0, 80))), [],
       `${name}: nothing is wider than the screen`);
}


export async function shot(page, name) {
    if (process.env.SHOTS) {
        await page.screenshot({path: join(process.env.SHOTS, `${name}.png`),
                               fullPage: true});
    }
}


export async function end() {
    await browser.close();
    process.stdin.destroy();
}
