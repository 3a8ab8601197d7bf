/*
 * A job: its row in a list, and all of it.
 */

import {element as h} from './dom.js';
import {ago, bytes, span} from './words.js';

const MOODS = {succeeded: 'good', failed: 'bad', canceled: 'quiet',
               running: '', queued: 'wait'};
const WORDS = {queued: 'waiting'};


/* ids come from the server, and go into paths */

export function plain(id) {
    return /^[0-9a-v]{26}$/.test(id) ? id : '';
}


/* an address below the console, whatever proxies call it outside */

function local(url) {
    return url.slice(url.indexOf('api/jobs/'));
}


function badge(status) {
    return h('span', {class: `badge ${MOODS[status] ?? ''}`},
             WORDS[status] ?? status);
}


export function button(words, path, done, more = {}) {
    return h('button', {type: 'button', 'data-post': path, 'data-done': done,
                        ...more}, words);
}


export function row(job) {
    return h('li', {class: 'job', 'data-key': job.id, 'data-job': job.id,
                    'data-state': job.status},
        picture(job.picture),
        h('div', {},
            h('p', {}, h('strong', {}, job.pipeline), ' ', badge(job.status),
              job.cached && ' known', job.degraded && ' degraded', ' ',
              h('span', {class: 'quiet'}, when(job))),
            h('p', {}, h('code', {class: 'quiet'}, job.id)),
            job.status === 'running' && progress(job),
            chips(job),
            job.error && h('p', {class: 'why'}, why(job.error))),
        h('div', {class: 'actions'}, ...actions(job),
            h('button', {type: 'button', 'data-look': job.id,
                         'aria-label': `Look at job ${job.id}`}, 'Look')));
}


function picture(item) {
    return item ? h('img', {src: local(item.url), alt: '', loading: 'lazy',
                            decoding: 'async'})
                : h('span', {class: 'blank'});
}


function progress(job) {
    return h('p', {},
        h('progress', {max: 100, value: job.progress,
                       'aria-label': `Progress of job ${job.id}`}),
        ` ${job.progress} %`,
        job.eta_ms !== null && `, ${span(job.eta_ms)} left`);
}


function chips(job) {
    return h('p', {class: 'chips'}, ...job.stages.map(one =>
        h('span', {class: one.status === 'failed' ? 'bad' : ''},
          `${one.name} ${stage(one)}`)));
}


function stage(one) {
    if (one.status === 'succeeded') {
        return one.cached ? 'known' : span(one.run_ms);
    }

    return one.attempts > 1 ? `${one.status} (attempt ${one.attempts})`
                            : one.status;
}


function when(job) {
    return job.finished_at ? `ended ${ago(job.finished_at)}`
                           : `came ${ago(job.created_at)}`;
}


export function why(error) {
    return (error.stage ? `${error.stage}: ` : '') + error.title
           + (error.detail ? `, ${error.detail}` : '');
}


function actions(job) {
    const path = `api/jobs/${plain(job.id)}`;

    if (job.status === 'failed') {
        return [button('Retry', `${path}/retry`, 'The job runs again',
                       {'aria-label': `Retry job ${job.id}`})];
    }

    if (job.status === 'queued' || job.status === 'running') {
        return [button('Cancel', `${path}/cancel`, 'The job is canceled',
                       {'aria-label': `Cancel job ${job.id}`,
                        'data-ask': 'Cancel this job?', class: 'danger'})];
    }

    return [];
}


/* of the dialog */

export function details(job) {
    return [
        h('p', {'data-state': job.status}, h('strong', {}, job.pipeline), ' ',
          badge(job.status), ' ', h('span', {class: 'quiet'}, when(job))),
        job.error && h('p', {class: 'why'}, why(job.error)),
        h('div', {class: 'actions'}, ...actions(job)),
        facts(job),
        h('div', {class: 'pictures'},
          figure('upload', job.input),
          ...Object.entries(job.items).flatMap(([name, items]) =>
              items.map((item, i) => figure(items.length > 1
                                            ? `${name} ${i}` : name, item)))),
        h('div', {class: 'wide', tabindex: '0', role: 'region',
                  'aria-label': 'Stages of the job'}, stages(job)),
        h('details', {}, h('summary', {}, 'The whole document'),
          h('pre', {tabindex: '0'}, JSON.stringify(job, null, 2))),
    ];
}


function facts(job) {
    const list = [
        ['Owner', job.owner && h('button', {type: 'button', class: 'plain',
                                            'data-owner': job.owner},
                                 job.owner)],
        ['Priority', job.priority],
        ['Params', Object.entries(job.params)
                         .map(([name, value]) => `${name}=${value}`)
                         .join(', ')],
        ['Time', Object.entries(job.timing).filter(([, ms]) => ms > 0)
                       .map(([name, ms]) => `${name.replace('_ms', '')} `
                                            + span(ms))
                       .join(', ')],
        ['Revision', job.revision],
    ];

    return h('dl', {class: 'facts'}, ...list.filter(([, value]) => value)
        .flatMap(([name, value]) => [h('dt', {}, name),
                                     h('dd', {}, value)]));
}


function figure(name, item) {
    const shown = item.type.startsWith('image/');
    const size = item.width ? `${item.width} × ${item.height}, ` : '';

    return h('figure', {},
        shown && h('img', {src: local(item.url), loading: 'lazy',
                           alt: `${name} of the job`}),
        h('figcaption', {}, h('strong', {}, name), ` ${size}`,
          `${bytes(item.bytes)} `,
          h('a', {href: local(item.url), target: '_blank', rel: 'noopener'},
            item.type)));
}


function stages(job) {
    return h('table', {},
        h('thead', {}, h('tr', {},
            ...['Stage', 'State', 'Attempts', 'Waited', 'Ran', 'What happened']
               .map(name => h('th', {scope: 'col'}, name)))),
        h('tbody', {}, ...job.stages.map(one => h('tr', {},
            h('th', {scope: 'row'}, one.name),
            h('td', {class: one.status === 'failed' ? 'bad' : ''}, one.status,
              one.cached && ', known'),
            h('td', {}, one.attempts ?? '–'),
            h('td', {}, one.queue_ms === undefined ? '–' : span(one.queue_ms)),
            h('td', {}, one.run_ms === undefined ? '–' : span(one.run_ms)),
            h('td', {}, one.error ? why(one.error) : one.message ?? '')))));
}
