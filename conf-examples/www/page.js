/*
 * Sends pictures to a pipeline and shows its jobs while they run: one upload
 * by XMLHttpRequest (fetch cannot tell how far it is), then one long-poll
 * after the other on the job's own URL, until the job has ended.
 */

'use strict';

const pipeline = document.body.dataset.pipeline;
const news = document.getElementById('news');

const WAIT = 25;                    /* seconds that one long-poll may last */
const ENDED = ['succeeded', 'failed', 'canceled'];

const MARKS = {
    pending: '·', queued: '·', running: '●', retrying: '↻',
    succeeded: '✓', skipped: '–', failed: '✕', canceled: '–',
};

const WORDS = {
    queued: 'waiting for its turn', running: 'at work', succeeded: 'done',
    failed: 'failed', canceled: 'canceled', pending: 'waiting',
    retrying: 'trying again', skipped: 'skipped',
};

/* what a status says to a person, where the answer itself says nothing */

const REASONS = {
    0: 'The server cannot be reached.',
    404: 'This job is not known here any more.',
    413: 'The picture has too many bytes.',
    415: 'This kind of file is not taken here.',
    422: 'The picture cannot be worked on.',
    429: 'Too many pictures at once; try again in a while.',
    503: 'Too much to do at the moment; try again in a while.',
    507: 'The server has no room left for pictures.',
};


class Job {

    constructor(name, file) {
        const card = document.getElementById('job').content
                             .firstElementChild.cloneNode(true);

        this.card = card;
        this.name = name;
        this.url = null;
        this.document = null;
        this.said = '';
        this.end = null;            /* when the job should be done, ms */

        this.part('h2').textContent = name;
        this.part('.all').setAttribute('aria-label', 'Progress of ' + name);
        this.part('.cancel').onclick = () => this.cancel();
        this.part('.retry').onclick = () => this.retry();

        if (file) {
            const image = this.part('.original img');

            image.onload = () => this.part('.original').hidden = false;
            image.src = URL.createObjectURL(file);
        }

        document.getElementById('jobs').prepend(card);
    }

    part(selector) {
        return this.card.querySelector(selector);
    }

    /* polite to screen readers: told when something changed, not each percent */

    say(text) {
        this.part('.state').textContent = text;

        if (text !== this.said) {
            this.said = text;
            news.textContent = this.name + ': ' + text;
        }
    }

    fail(text) {
        this.part('.error').textContent = text;
        this.part('.error').hidden = false;
        this.part('.cancel').hidden = true;
        this.part('.left').textContent = '';
        this.end = null;
    }

    upload(file) {
        const form = new FormData();
        const request = new XMLHttpRequest();

        form.append('file', file, this.name);

        this.request = request;
        this.say('uploading');

        request.open('POST', pipeline);
        request.responseType = 'text';

        request.upload.onprogress = event => {
            if (event.lengthComputable) {
                this.bar(100 * event.loaded / event.total);
                this.part('.left').textContent =
                    Math.floor(100 * event.loaded / event.total) + ' % sent';
            }
        };

        request.upload.onload = () => {
            this.part('.all').removeAttribute('value');
            this.part('.left').textContent = '';
            this.say('being checked');
        };

        request.onload = () => {
            this.request = null;
            const answer = parse(request.responseText);

            if (request.status !== 202 && request.status !== 200) {
                this.say('not taken');
                this.bar(0);
                this.fail(reason(request.status, answer));
                return;
            }

            this.url = request.getResponseHeader('Location')
                       || pipeline + answer.id;
            history.replaceState(null, '', '#' + answer.id);
            this.show(answer);
            this.watch();
        };

        request.onerror = () => {
            this.request = null;
            this.say('not sent');
            this.fail(reason(0, null));
        };

        request.send(form);
    }

    /* each answer is a newer document, or 204: nothing new within WAIT */

    async watch() {
        let failures = 0;

        this.watching = new AbortController();

        while (!this.ended()) {
            const since = this.document ? this.document.revision : 0;
            let answer;

            try {
                answer = await fetch(`${this.url}?wait=${WAIT}&since=${since}`,
                                     {signal: this.watching.signal,
                                      cache: 'no-store'});

                if (answer.status >= 500) {
                    throw new Error(answer.status);
                }

            } catch (error) {
                if (error.name === 'AbortError') {
                    return;
                }

                /* the job goes on without us */
                failures++;
                this.say('connection lost, trying again');
                await sleep(Math.min(10000, 500 * 2 ** failures));
                continue;
            }

            failures = 0;

            if (answer.status === 200) {
                this.show(await answer.json());

            } else if (answer.status !== 204 && answer.status !== 304) {
                this.say('lost');
                this.fail(reason(answer.status,
                                 parse(await answer.text())));
                return;
            }
        }
    }

    ended() {
        return this.document !== null && ENDED.includes(this.document.status);
    }

    show(doc) {
        this.document = doc;

        this.bar(doc.progress);
        this.say(this.sentence(doc));
        this.stages(doc.stages || []);
        this.outputs(doc.outputs || {});

        this.end = doc.eta_ms > 0 && !this.ended() ? Date.now() + doc.eta_ms
                                                   : null;
        this.tick();

        this.part('.error').hidden = doc.status !== 'failed';
        this.part('.error').textContent = doc.status === 'failed'
            ? reason(doc.error.status, doc.error) : '';

        this.part('.cancel').hidden = this.ended();
        this.part('.retry').hidden = doc.status !== 'failed';
        this.part('.document').hidden = false;
        this.part('.document').href = this.url;
    }

    sentence(doc) {
        const running = (doc.stages || []).find(
            stage => ['running', 'retrying'].includes(stage.status));

        if (doc.status === 'queued' && doc.queue_position !== null) {
            return `waiting, number ${doc.queue_position} in the queue`;
        }

        if (doc.status === 'running' && running) {
            return running.message || `${running.name} …`;
        }

        if (doc.status === 'succeeded') {
            return (doc.cached ? 'done, known from before'
                    : `done in ${seconds(Date.parse(doc.finished_at)
                                         - Date.parse(doc.created_at))}`)
                   + (doc.degraded ? ', but not all of it' : '');
        }

        return WORDS[doc.status] || doc.status;
    }

    bar(percent) {
        this.part('.all').value = percent;
    }

    tick() {
        const left = this.part('.left');

        if (this.ended()) {
            left.textContent = '';

        } else if (this.end !== null) {
            const ms = this.end - Date.now();
            left.textContent = ms < 1000 ? 'a moment' : seconds(ms) + ' left';
        }
    }

    stages(stages) {
        this.part('.stages').replaceChildren(...stages.map(stage => {
            const line = element('li', stage.status);
            const mark = element('span', 'mark', MARKS[stage.status] || '');
            let words = WORDS[stage.status] || stage.status;

            mark.setAttribute('aria-hidden', 'true');

            if (stage.status === 'running') {
                words = stage.message || words;

                if (stage.progress) {
                    words += ` (${stage.progress} %)`;
                }
            }

            if (stage.cached) {
                words = 'known from before';
            }

            if (stage.attempts > 1) {
                words += `, attempt ${stage.attempts}`;
            }

            line.append(mark, element('span', 'name', stage.name),
                        element('span', 'words', words),
                        element('span', 'time', stage.run_ms === undefined ? ''
                                                : seconds(stage.run_ms)));
            return line;
        }));
    }

    /* pictures appear as soon as their stage has ended; those shown stay */

    outputs(outputs) {
        for (const [stage, list] of Object.entries(outputs)) {
            list.forEach((output, n) => {
                const id = `${stage}/${n}`;

                if (this.part(`[data-output="${CSS.escape(id)}"]`)) {
                    return;
                }

                const figure = element('figure');
                const caption = element('figcaption');
                const link = element('a', '', list.length > 1
                                              ? `${stage} ${n + 1}` : stage);

                figure.dataset.output = id;
                link.href = output.url;
                caption.append(link, ' ' + [
                    output.width ? `${output.width} × ${output.height}` : '',
                    output.type, bytes(output.bytes),
                ].filter(Boolean).join(', '));

                if (/^image\//.test(output.type)) {
                    const image = element('img');

                    image.alt = `Result of ${stage}`;
                    image.width = output.width;
                    image.height = output.height;
                    image.src = output.url;
                    figure.append(image);
                }

                figure.append(caption);
                this.part('.pictures').append(figure);
            });
        }
    }

    async cancel() {
        this.part('.cancel').hidden = true;

        if (this.request) {
            this.request.abort();
            this.request = null;
            this.bar(0);
            this.say('canceled');
            return;
        }

        await this.order('DELETE', this.url);
    }

    async retry() {
        if (await this.order('POST', this.url + '/retry')) {
            this.document.status = 'queued';
            this.watch();
        }
    }

    async order(method, url) {
        try {
            const answer = await fetch(url, {method});

            if (answer.ok) {
                return true;
            }

            this.fail(reason(answer.status, parse(await answer.text())));

        } catch (error) {
            this.fail(reason(0, null));
        }

        return false;
    }
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


function parse(text) {
    try {
        return JSON.parse(text);
    } catch (error) {
        return null;
    }
}


/* problem+json has a sentence of its own (RFC 9457) */

function reason(status, problem) {
    const words = problem && (problem.detail || problem.title);
    const stage = problem && problem.stage;

    return (stage ? `Stage ${stage}: ` : '')
           + (words || REASONS[status] || `The server answered ${status}.`);
}


function seconds(ms) {
    if (ms < 1000) {
        return Math.max(0, Math.round(ms)) + ' ms';
    }

    return ms < 60000 ? (ms / 1000).toFixed(ms < 10000 ? 1 : 0) + ' s'
                      : Math.floor(ms / 60000) + ' min '
                        + Math.round(ms % 60000 / 1000) + ' s';
}


function bytes(n) {
    return n === undefined ? '' : n < 1024 ? n + ' B'
           : n < 1048576 ? Math.round(n / 1024) + ' KB'
           : (n / 1048576).toFixed(1) + ' MB';
}


function sleep(ms) {
    return new Promise(resolve => setTimeout(resolve, ms));
}


/* pictures come in by three ways */

const jobs = [];
const drop = document.getElementById('drop');
const input = document.getElementById('file');

function take(files) {
    for (const file of files) {
        const job = new Job(file.name || 'pasted picture', file);

        jobs.push(job);
        job.upload(file);
    }
}

input.onchange = () => {
    take(input.files);
    input.value = '';
};

drop.onsubmit = event => event.preventDefault();

document.ondragover = event => {
    event.preventDefault();
    drop.classList.add('over');
};

document.ondragleave = event => {
    if (event.relatedTarget === null) {
        drop.classList.remove('over');
    }
};

document.ondrop = event => {
    event.preventDefault();
    drop.classList.remove('over');
    take(event.dataTransfer.files);
};

document.onpaste = event => take(event.clipboardData.files);

document.getElementById('sample').onclick = async () => {
    const answer = await fetch('sample.jpg');

    take([new File([await answer.blob()], 'otter.jpg', {type: 'image/jpeg'})]);
};

setInterval(() => jobs.forEach(job => job.tick()), 1000);


/* a job named in the page's address is watched on */

if (/^#[0-9a-v]{26}$/.test(location.hash)) {
    const job = new Job('job ' + location.hash.slice(1, 9), null);

    jobs.push(job);
    job.url = pipeline + location.hash.slice(1);
    job.watch();
}
