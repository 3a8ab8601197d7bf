/*
 * The page: what people see of image-pipeline.js.  Pictures come in by four
 * ways; each has a card, which is drawn again from its job whenever that has
 * changed.
 */

import {Pipeline} from './image-pipeline.js';
import {shrink} from './image-pipeline-shrink.js';

const SHRINK = {max: 2400, quality: .9};
const PREVIEW = {max: 480, quality: .75};   /* survives a reload */
const PREVIEW_BYTES_MAX = 90000;

const pipeline = new Pipeline(document.body.dataset.pipeline);
const cards = new Set();

let declared = {outputs: []};           /* of the pipeline, when it is known */

const STAGE_WORDS = {
    pending: 'waiting', queued: 'waiting for its turn', running: 'at work',
    retrying: 'trying again', succeeded: 'done', skipped: 'skipped',
    failed: 'failed', canceled: 'canceled',
};

/* while nobody knows how long it takes */

const STATE_WORDS = {
    waiting: 'Waiting to be sent', optimizing: 'Optimising image…',
    checking: 'Sent; being stored…', queued: 'Waiting for its turn',
    running: 'At work…', failed: 'Failed', canceled: 'Canceled',
};


class Card {

    constructor(job, original) {
        this.job = job;
        this.original = original;
        this.end = null;                /* when it should be done, ms */
        this.root = clone('job');
        this.title = job.name || 'Job ' + job.url.slice(-26, -18);

        const heading = this.part('h2');

        heading.textContent = this.title;
        heading.id = 'job-' + Card.count++;
        this.root.setAttribute('aria-labelledby', heading.id);
        this.part('.all').setAttribute('aria-label',
                                       'Progress of ' + this.title);
        this.part('.cancel').onclick = () => this.order(() => job.cancel());
        this.part('.retry').onclick = () => this.order(() => job.retry());
        this.part('.remove').onclick = () => this.remove();

        if (original) {
            this.picture('original', original, 'Original', '');
            this.part('img').onerror = () => this.part('figure').remove();
        }

        cards.add(this);
        byId('jobs').prepend(this.root);
        job.addEventListener('change', () => this.draw());
        this.draw();
    }

    part(selector) {
        return this.root.querySelector(selector);
    }

    draw() {
        const {job} = this;

        this.root.dataset.state = job.state;
        this.root.classList.toggle('troubled',
                                        Boolean(job.trouble) && !job.ended);
        this.words();
        this.bar();
        this.error(job.error);

        if (job.document) {
            this.stages(job.document);
            this.outputs(job.document.outputs);
            this.awaited(job.document);
        }

        const focused = document.activeElement;

        this.part('.cancel').hidden = job.ended;
        this.part('.retry').hidden = !this.another();
        this.part('.remove').hidden = !job.ended;
        this.part('.document').hidden = !job.url;
        this.part('.document').href = job.url;

        /* a button that vanishes leaves the focus within its card */

        if (focused.hidden && this.root.contains(focused)) {
            this.root.focus();
        }

        byId('clear').hidden = [...cards].filter(
            card => card.job.ended).length < 2;
    }

    /* polite to those who listen: told when it changed, not each percent */

    words() {
        const text = this.sentence();

        if (text !== this.part('.state').textContent) {
            this.part('.state').textContent = text;
            byId('news').textContent = `${this.title}: ${text}`
                + (this.job.error ? '. ' + this.job.error.message : '');
        }
    }

    sentence() {
        const {job} = this;
        const doc = job.document;

        if (job.trouble && !job.ended) {
            return job.trouble.status ? 'The server is busy, trying again…'
                                      : 'Connection lost, trying again…';
        }

        if (job.url && !doc && !job.ended) {
            return 'Looking for it…';
        }

        if (job.state === 'sending') {
            return 'Sending…';
        }

        if (job.state === 'queued' && doc.queue_position > 1) {
            return `Waiting, number ${doc.queue_position} in the queue`;
        }

        if (job.state === 'running') {
            const stage = ['running', 'retrying', 'queued'].flatMap(status =>
                doc.stages.filter(stage => stage.status === status))[0];

            return stage ? capital(stage.message ?? stage.name) + '…'
                         : STATE_WORDS.running;
        }

        if (job.state === 'succeeded') {
            const took = Date.parse(doc.finished_at)
                         - Date.parse(doc.created_at);

            return (doc.cached ? 'Done, known from before'
                               : `Done in ${time(took)}`)
                   + (doc.degraded ? ', but not all of it' : '');
        }

        if (job.state === 'failed' && !job.url) {
            return 'Not sent';
        }

        return STATE_WORDS[job.state];
    }

    bar() {
        const {job} = this;
        const bar = this.part('.all');
        const eta = job.document?.eta_ms;

        this.end = eta > 0 && !job.ended ? Date.now() + eta : null;

        if (job.state === 'sending') {
            bar.value = 100 * job.sent;
        } else if (job.document || job.ended) {
            bar.value = job.progress;
        } else {
            bar.removeAttribute('value');
        }

        this.tick();
    }

    tick() {
        const {job} = this;
        const ms = this.end - Date.now();
        let text = '';

        if (job.state === 'sending' && !job.trouble) {
            text = Math.floor(100 * job.sent) + ' % sent';

        } else if (job.document && !job.ended && !job.trouble) {
            text = this.end === null ? job.progress + ' %'
                   : ms < 1000 ? 'a moment' : `${time(ms)} left`;
        }

        this.part('.left').textContent = text;
    }

    error(error) {
        const box = this.part('.error');

        box.hidden = this.job.state !== 'failed' || !error;

        if (!box.hidden) {
            box.querySelector('strong').textContent = error.message;
            box.querySelector('span').textContent = [
                error.stage ? `Stage “${error.stage}”` : '', error.detail,
            ].filter(Boolean).join(': ');
        }
    }

    /* what was refused for what it is, is refused again */

    another() {
        const {state, error, url} = this.job;

        return state === 'failed'
               && (url ? this.job.document !== null : error.status === 0
                                                      || error.status === 429
                                                      || error.status >= 500);
    }

    stages({stages, cached}) {
        this.part('.stages').replaceChildren(...stages.map(stage => {
            const line = element('li', stage.status);
            const words = cached ? '' : stageWords(stage);

            line.append(mark(stage.status),
                        element('span', 'name', capital(stage.name)),
                        element('span', 'words', words));
            return line;
        }));
    }

    /* a frame for each that is still to come */

    awaited({status, stages}) {
        const frames = this.root.querySelectorAll('.awaited');

        if (this.job.ended) {
            frames.forEach(frame => frame.remove());
            return;
        }

        for (const {name, status} of stages) {
            if (!declared.outputs.includes(name)) {
                continue;
            }

            if (['skipped', 'failed'].includes(status)) {
                this.part(`.awaited[data-picture="${name}/0"]`)?.remove();
            } else if (!this.part(`[data-picture="${name}/0"]`)) {
                this.figure(`${name}/0`, capital(name)).className = 'awaited';
            }
        }
    }

    /* pictures appear as soon as their stage has ended; those shown stay */

    outputs(outputs) {
        for (const [stage, list] of Object.entries(outputs)) {
            list.forEach((output, n) => {
                const name = capital(stage)
                             + (list.length > 1 ? ` ${n + 1}` : '');
                const size = output.width
                             ? `${output.width} × ${output.height}`
                             : output.type;

                this.picture(`${stage}/${n}`,
                             output.type.startsWith('image/') ? output.url
                                                              : null,
                             name, `${size} · ${bytes(output.bytes)}`,
                             output.url);
            });
        }
    }

    figure(id, name) {
        const figure = clone('picture');

        figure.dataset.picture = id;
        figure.querySelector('.name').textContent = name;
        this.part('.pictures').append(figure);

        return figure;
    }

    picture(id, source, name, facts, link) {
        const found = this.part(`[data-picture="${id}"]`);

        if (found && !found.classList.contains('awaited')) {
            return;
        }

        const figure = found ?? this.figure(id, name);

        figure.classList.remove('awaited');
        figure.querySelector('.facts').textContent = facts;

        if (source) {
            const image = element('img');

            image.alt = link ? `Result of ${name}`
                             : `Your picture, ${this.title}`;
            image.onerror = () => image.remove();
            image.src = source;
            figure.querySelector('.frame').append(image);
        }

        if (link) {
            const anchor = element('a', '', name);

            anchor.href = link;
            anchor.target = '_blank';
            figure.querySelector('.name').replaceChildren(anchor);
        }
    }

    async order(action) {
        try {
            await action();
        } catch (error) {
            byId('news').textContent = error.message;
            this.part('.state').textContent = error.message;
        }
    }

    remove() {
        const focused = this.root.contains(document.activeElement);
        const next = this.root.nextElementSibling
                     ?? this.root.previousElementSibling;

        this.job.forget();
        URL.revokeObjectURL(this.original ?? '');
        this.root.remove();
        cards.delete(this);
        byId('clear').hidden = true;
        [...cards][0]?.draw();

        if (focused) {
            (next ?? byId('choose')).focus();
        }
    }
}

Card.count = 0;


function byId(id) {
    return document.getElementById(id);
}


function clone(id) {
    return byId(id).content.firstElementChild.cloneNode(true);
}


function element(name, kind, text) {
    const made = document.createElement(name);

    if (kind) {
        made.className = kind;
    }

    if (text) {
        made.textContent = text;
    }

    return made;
}


function stageWords({status, cached, progress, attempts, run_ms}) {
    if (status === 'succeeded') {
        return cached ? 'known from before' : time(run_ms);
    }

    return [
        STAGE_WORDS[status] ?? status,
        status === 'running' && progress ? progress + ' %' : '',
        attempts > 1 ? `attempt ${attempts}` : '',
    ].filter(Boolean).join(', ');
}


function mark(status) {
    const icon = {succeeded: 'succeeded', failed: 'failed', skipped: 'skipped',
                  canceled: 'skipped'}[status];
    const made = element('span', 'mark');

    made.setAttribute('aria-hidden', 'true');

    if (icon) {
        made.innerHTML = `<svg><use href="#icon-${icon}"/></svg>`;
    }

    return made;
}


function capital(text) {
    return text.charAt(0).toUpperCase() + text.slice(1);
}


function time(ms) {
    const s = ms / 1000;

    return s < 1 ? Math.max(0, Math.round(ms)) + ' ms'
           : s < 10 ? s.toFixed(1) + ' s'
           : s < 60 ? Math.round(s) + ' s'
           : `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
}


function bytes(n) {
    return n < 1024 ? n + ' B' : n < 1048576 ? Math.round(n / 1024) + ' KB'
           : (n / 1048576).toFixed(1) + ' MB';
}


/* pictures come in: chosen, taken, dropped, pasted */

function take(files) {
    for (const file of files) {
        const job = pipeline.upload(file, {
            name: file.name || 'Pasted picture', params: params(),
            shrink: byId('shrink').checked ? SHRINK : undefined,
        });

        new Card(job, URL.createObjectURL(file));
        previews = previews.then(() => preview(job, file));
    }
}


/* a small copy for after a reload, made one after the other */

let previews = Promise.resolve();

async function preview(job, file) {
    const small = await shrink(file, PREVIEW);

    if (small.size > PREVIEW_BYTES_MAX) {
        return;
    }

    const reader = new FileReader();

    await new Promise(resolve => {
        reader.onloadend = resolve;
        reader.readAsDataURL(small);
    });

    job.note = reader.result;

    if (job.url && [...cards].some(card => card.job === job)) {
        pipeline.keep(job);
    }
}


for (const id of ['file', 'camera']) {
    byId(id).onchange = event => {
        take(event.target.files);
        event.target.value = '';
    };
}

byId('choose').onclick = () => byId('file').click();
byId('snap').onclick = () => byId('camera').click();

byId('sample').onclick = async () => {
    const answer = await fetch('sample.jpg');

    take([new File([await answer.blob()], 'otter.jpg', {type: 'image/jpeg'})]);
};

byId('clear').onclick = () => {
    [...cards].filter(card => card.job.ended).forEach(card => card.remove());
    byId('choose').focus();
};

byId('drop').onsubmit = event => event.preventDefault();

document.ondragover = event => {
    event.preventDefault();
    byId('drop').classList.add('over');
};

document.ondragleave = event => {
    if (event.relatedTarget === null) {
        byId('drop').classList.remove('over');
    }
};

document.ondrop = event => {
    event.preventDefault();
    byId('drop').classList.remove('over');
    take(event.dataTransfer.files);
};

document.onpaste = event => take(event.clipboardData.files);

setInterval(() => cards.forEach(card => card.tick()), 1000);


/* the params that the pipeline declares, as far as their values are a list */

function params() {
    return Object.fromEntries(new FormData(byId('drop')));
}


async function settings() {
    declared = await pipeline.describe();
    byId('file').accept = byId('camera').accept = declared.accept.join(',');
    cards.forEach(card => card.draw());

    for (const param of declared.params) {
        if (!Array.isArray(param.values)) {
            continue;                   /* an expression */
        }

        const label = element('label', '', capital(param.name) + ' ');
        const select = element('select');

        select.name = param.name;
        select.append(...param.values.map(value => new Option(value)));
        select.value = param.default;
        label.append(select);
        document.querySelector('.settings').append(label);
    }
}


settings().catch(() => {});             /* the defaults do */


/* jobs of before a reload; one named in the page's address is watched, too */

for (const job of pipeline.resume()) {
    new Card(job, job.note);
}

if (/^#[0-9a-v]{26}$/.test(location.hash)) {
    const url = new URL(location.hash.slice(1), pipeline.endpoint).href;

    if (![...cards].some(card => card.job.url === url)) {
        new Card(pipeline.open(url));
    }
}
