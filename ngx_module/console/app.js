/*
 * The console: asks api/state and api/jobs once a second while somebody looks,
 * and shows them.  What is shown is made anew each time, by functions of the
 * documents, and merged into what is there: so nothing loses its focus.
 *
 * Texts of jobs are of strangers: they come into the page as text alone.
 */

import {graph} from './graph.js';
import {element, merge} from './dom.js';
import {button, details, plain, row} from './job.js';
import {bytes, share, span} from './words.js';

const EVERY = 1000;
const PATIENCE = 10000;

const $ = id => document.getElementById(id);
const h = element;

let older = null;       /* where the next page begins */
let pages = [];         /* jobs of pages before the newest */
let open = null;        /* the job that is looked at */
let heard = 0;
let timer = 0;
let asked = 0;          /* a slower answer to an older question is dropped */


/* the server */

async function ask(path, options = {}) {
    const answer = await fetch(path, {
        cache: 'no-store', signal: AbortSignal.timeout(PATIENCE), ...options,
    });
    const type = answer.headers.get('Content-Type') ?? '';
    const doc = type.includes('json') ? await answer.json() : {};

    if (!answer.ok) {
        throw new Error(doc.detail ?? `${answer.status} ${answer.statusText}`);
    }

    return doc;
}


function query() {
    const wanted = new URLSearchParams();

    for (const [name, id] of [['status', 'show'], ['pipeline', 'pipeline'],
                              ['owner', 'owner']])
    {
        if ($(id).value.trim()) {
            wanted.set(name, $(id).value.trim());
        }
    }

    return wanted;
}


async function refresh() {
    const mine = ++asked;

    clearTimeout(timer);

    try {
        const [state, list] = await Promise.all([
            ask('api/state'), ask(`api/jobs?${query()}`)]);

        if (mine === asked) {
            heard = Date.now();
            show(state);
            jobs(list);

            if (open) {
                await look(open);
            }

            link('Live', false);
        }
    } catch (error) {
        if (mine === asked) {
            link(heard ? `No answer for ${span(Date.now() - heard)}: `
                         + error.message
                       : `No answer: ${error.message}`, true);
        }
    } finally {
        if (mine === asked && !document.hidden) {
            timer = setTimeout(refresh, EVERY);
        }
    }
}


/* told once, not with every answer */

function link(text, lost) {
    $('link').toggleAttribute('data-lost', lost);

    if ($('link').textContent !== text) {
        $('link').textContent = text;
    }
}


function news(text) {
    $('news').textContent = '';
    setTimeout(() => { $('news').textContent = text; }, 50);
    clearTimeout(news.timer);
    news.timer = setTimeout(() => { $('news').textContent = ''; }, 8000);
}


/* the state of all */

function show(state) {
    merge($('tiles'), tiles(state));
    merge($('pipelines'), state.pipelines.map(pipeline));
    merge($('services'), state.services.map(service));

    $('services-part').hidden = !state.services.length;

    const names = state.pipelines.map(({name}) => name);

    merge($('pipeline'), [h('option', {value: ''}, 'all'),
                          ...names.map(name => h('option', {value: name},
                                                 name))]);
}


function sum(list, of) {
    return list.reduce((total, one) => total + of(one), 0);
}


function tiles({pipelines, services, store, zone, redis, notify}) {
    const open = services.filter(one => one.open).length;
    const full = store.max_bytes && store.bytes > .95 * store.max_bytes;

    return [
        tile('Running', sum(pipelines, one => one.running)),
        tile('Waiting', sum(pipelines, one => one.queued)),
        tile('Succeeded', sum(pipelines, one => one.ended.succeeded)),
        tile('Failed', sum(pipelines, one => one.ended.failed)),
        tile('Breakers open', open, open ? 'bad' : ''),
        tile('Watched by', zone.polls + zone.streams),
        tile('Store', bytes(store.bytes), full ? 'wait' : '',
             store.max_bytes ? ` of ${bytes(store.max_bytes)}` : ''),
        tile('Job table', share(zone.used, zone.size),
             zone.full ? 'bad' : ''),
        redis !== 'none' && tile('Redis', redis, redis === 'ok' ? '' : 'bad'),
        notify.given_up > 0 && tile('Ends not told', notify.given_up, 'bad'),
    ];
}


function tile(name, value, mood = '', more = '') {
    return h('div', {class: mood},
             h('dt', {}, name),
             h('dd', {}, String(value), more && h('small', {}, more)));
}


function pipeline(one) {
    const hits = one.cache.hit + one.cache.joined;
    const all = hits + one.cache.miss + one.cache.bypass;

    return h('section', {class: 'part', 'data-key': one.name,
                         'data-pipeline': one.name,
                         'aria-label': `Pipeline ${one.name}`},
        h('div', {class: 'head'},
            h('h2', {}, one.name),
            h('p', {class: 'quiet'}, load(one, hits, all)),
            h('div', {class: 'actions'}, drain(one))),
        h('div', {class: 'graph', tabindex: '0', role: 'region',
                  'aria-label': `Stages of ${one.name} as a graph`},
          graph(one)),
        h('div', {class: 'wide', tabindex: '0', role: 'region',
                  'aria-label': `Stages of ${one.name} as a table`},
          stages(one)));
}


/* what goes on, and the way back */

function drain({name, draining}) {
    const path = `api/pipelines/${encodeURIComponent(name)}`;

    return draining
        ? button('Draining: accept again', `${path}/resume`,
                 `${name} takes jobs again`, {class: 'on'})
        : button('Drain', `${path}/drain`, `${name} takes no new jobs`,
                 {'aria-label': `Drain ${name}`,
                  'data-ask': `Take no new jobs for ${name}? `
                              + 'What it has is brought to its end.'});
}


function pause(pipeline, {name, paused}) {
    const path = `api/pipelines/${encodeURIComponent(pipeline)}/`
                 + encodeURIComponent(name);

    return paused
        ? button('Paused: go on', `${path}/resume`, `${name} goes on`,
                 {class: 'on', 'aria-label': `Paused: go on with ${name}`})
        : button('Pause', `${path}/pause`, `${name} is paused`,
                 {'aria-label': `Pause ${name}`});
}


function load(one, hits, all) {
    return [
        `${one.running} of ${one.concurrency} running`,
        `${one.queued} of ${one.queue} waiting`,
        one.oldest_ms && `oldest for ${span(one.oldest_ms)}`,
        all && `${share(hits, all)} of ${all} uploads known or joined`,
    ].filter(Boolean).join(' · ');
}


function stages(one) {
    const head = [['Stage'], ['Operation'], ['Running', 'n'],
                  ['Waiting', 'n'], ['Done', 'n'], ['Known', 'n'],
                  ['Failed', 'n'], ['Takes', 'n'], ['Control']];

    return h('table', {},
        h('thead', {}, h('tr', {},
            ...head.map(([name, kind]) => h('th', {scope: 'col', class: kind},
                                            name)))),
        h('tbody', {}, ...one.stages.map(it => stage(one.name, it))));
}


function stage(pipeline, one) {
    return h('tr', {'data-key': one.name},
        h('th', {scope: 'row'}, one.name),
        h('td', {}, one.operation + (one.each ? ' each' : '')
                    + (one.optional ? ', optional' : '')),
        h('td', {class: 'n'}, one.running),
        h('td', {class: 'n'}, one.waiting),
        h('td', {class: 'n'}, one.succeeded),
        h('td', {class: 'n'}, one.cached),
        h('td', {class: one.failed ? 'n bad' : 'n'}, one.failed),
        h('td', {class: 'n'}, one.mean_ms === null ? '–' : span(one.mean_ms)),
        h('td', {}, pause(pipeline, one)));
}


function service(one) {
    const name = [one.pipeline, one.stage, one.provider].filter(Boolean);
    const answers = Object.entries(one.calls)
                          .map(([code, n]) => `${code} × ${n}`);

    return h('tr', {'data-key': name.join('/')},
        h('th', {scope: 'row'}, name.join(' / '), ' ',
          h('span', {class: 'quiet'}, one.host)),
        h('td', {class: one.open ? 'bad' : ''}, breaker(one)),
        h('td', {class: 'n'}, one.inflight),
        h('td', {class: 'n'}, one.waiting),
        h('td', {}, one.rate_m === null ? '–'
                    : `${Math.round(one.rate_m * 10) / 10} a minute`),
        h('td', {}, answers.join(', ') || '–'),
        h('td', {class: 'n'}, one.retries),
        h('td', {class: 'n'}, one.cost ? Number(one.cost.toPrecision(4)) : '–'));
}


function breaker(one) {
    if (!one.max_fails) {
        return 'none';
    }

    if (!one.open) {
        return one.fails ? `closed, ${one.fails} of ${one.max_fails} failures`
                         : 'closed';
    }

    return one.probe_ms ? `open, tried in ${span(one.probe_ms)}`
                        : 'open, being tried';
}


/* jobs: the newest page is asked for again and again, older ones stay */

function jobs(list) {
    const fresh = list.jobs.filter(Boolean);
    const there = new Set(fresh.map(({id}) => id));

    if (!pages.length) {
        older = list.before;
    }

    merge($('jobs'), [...fresh, ...pages.filter(({id}) => !there.has(id))]
                     .map(row));

    $('none').hidden = fresh.length + pages.length > 0;
    $('older').hidden = older === null;
}


async function more() {
    const wanted = query();

    wanted.set('before', older);

    const list = await ask(`api/jobs?${wanted}`);

    pages = [...pages, ...list.jobs.filter(Boolean)];
    older = list.before;
    await refresh();
}


async function look(id) {
    const doc = await ask(`api/jobs/${id}`);

    if (id === open) {
        $('one-title').textContent = `Job ${plain(id)}`;
        merge($('one-body'), details(doc));

        if (!$('one').open) {
            $('one').showModal();
        }
    }
}


/* what is clicked */

async function act(button) {
    const {post, ask: question, done} = button.dataset;

    if (question && !confirm(question)) {
        return;
    }

    button.disabled = true;

    try {
        await ask(post, {
            method: 'POST', body: '{}',
            headers: {'Content-Type': 'application/json'},
        });
        news(done);
    } catch (error) {
        news(`That did not work: ${error.message}`);
    } finally {
        button.disabled = false;
    }

    await refresh();
}


function trouble(error) {
    news(error.message);
}


document.addEventListener('click', event => {
    const button = event.target.closest('button');

    if (button?.dataset.post) {
        act(button).catch(trouble);

    } else if (button?.dataset.look) {
        open = button.dataset.look;
        look(open).catch(trouble);

    } else if (button?.dataset.owner) {
        $('owner').value = button.dataset.owner;
        again();
    }
});


function again() {
    pages = [];
    refresh();
}


$('filter').addEventListener('input', again);
$('filter').addEventListener('submit', event => event.preventDefault());
$('older').addEventListener('click', () => more().catch(trouble));
$('close').addEventListener('click', () => $('one').close());
$('one').addEventListener('close', () => {
    open = null;
    $('one-body').replaceChildren();
});
document.addEventListener('visibilitychange', () => {
    if (!document.hidden) {
        refresh();
    }
});

refresh();
