/*
 * Pictures to a location with image_pipeline_pass, and their jobs back:
 *
 *     const pipeline = new Pipeline('/photos/');
 *     const job = pipeline.upload(file, {shrink: {max: 2048}});
 *
 *     job.addEventListener('change', () => bar.value = job.progress);
 *     image.src = (await job.finished()).outputs.result[0].url;
 *
 * An upload has one Idempotency-Key, so it is sent again after a lost
 * connection without the work being done twice.  A job is watched by a stream
 * of events (SSE), or by long-polls where none comes through, until it has
 * ended, whatever happens to the connection; after a reload of the page
 * pipeline.resume() goes on.  Typed by JSDoc, for "tsc --checkJs".
 */

import {OVER, PipelineError, WORDS, ask, events, lost, newKey, parse, pause,
        post, uploads, watchers} from './image-pipeline-wire.js';

export {PipelineError, WORDS};

const WAIT = 25;                /* seconds that a long-poll may be held */
const SILENCE = 40000;          /* ms; a stream has a heartbeat every 15 s */
const FIRST = 10000;            /* ms until its first event */
const QUICK = 500;              /* ms; no answer was waited for */
const ATTEMPTS = 6;             /* of an upload, then a person is asked */
const KEPT_MAX = 50;            /* jobs that a reloaded page finds again */

/** @typedef {'waiting'|'optimizing'|'sending'|'checking'|'queued'|'running'|
 *     'succeeded'|'failed'|'canceled'} State */

/** @typedef {{name: string, status: string, cached?: boolean,
 *     attempts?: number, progress?: number, eta_ms?: number, message?: string,
 *     queue_ms?: number, run_ms?: number}} Stage */

/** @typedef {{url: string, type: string, bytes: number, width?: number,
 *     height?: number, digest: string}} Output */

/** @typedef {{id: string, pipeline: string, status: State, revision: number,
 *     progress: number, eta_ms: number|null, queue_position: number|null,
 *     cached: boolean, degraded: boolean, created_at: string,
 *     started_at: string|null, finished_at: string|null, stages: Stage[],
 *     outputs: Record<string, Output[]>,
 *     error: import('./image-pipeline-wire.js').Problem|null}} JobDocument */

/** What a job is called, anything that JSON can hold (both are there again
 *  after a reload), and what ends the sending and watching.
 *  @typedef {{name?: string, note?: any, signal?: AbortSignal}} JobOptions */

/** @typedef {JobOptions & {params?: Record<string, string>,
 *     shrink?: import('./image-pipeline-shrink.js').ShrinkOptions
 *     }} UploadOptions */


/** A location that has image_pipeline_pass. */

export class Pipeline {

    /** @param {string|URL} endpoint  '/photos/'
     *  @param {{headers?: Record<string, string>, storage?: Storage|null,
     *      credentials?: RequestCredentials}} [options] */

    constructor(endpoint, options = {}) {
        this.endpoint = new URL(endpoint, globalThis.location?.href);
        this.headers = options.headers ?? {};
        this.credentials = options.credentials ?? 'same-origin';
        this.streams = true;            /* until one does not come through */
        this.shelf = 'image-pipeline:' + this.endpoint.href;
        /** @type {Storage|null} */
        this.storage = null;

        try {
            this.storage = options.storage === undefined ? sessionStorage
                                                         : options.storage;
        } catch { /* forbidden by the browser's settings */ }
    }

    /** @param {Blob} file
     *  @param {UploadOptions} [options] */

    upload(file, options = {}) {
        const name = file instanceof File ? file.name : '';
        const job = new Job(this, {name, ...options});

        job.send(file, options);
        return job;
    }

    /** A job that is there already.
     *  @param {string|URL} url
     *  @param {JobOptions} [options] */

    open(url, options = {}) {
        const job = new Job(this, options);

        job.url = new URL(url, this.endpoint).href;
        job.watch();
        return job;
    }

    /** The jobs that this page knew before it was loaded again.
     *  @param {AbortSignal} [signal] */

    resume(signal) {
        return this.kept().map(({url, name, note}) =>
            this.open(url, {name, note, signal}));
    }

    /** Options for Uppy's XHRUpload, and yours; "upload-success" then comes
     *  with the job's document as body, whose url is for open().
     *  @param {Record<string, unknown>} [options] */

    uppy(options = {}) {
        /** @type {WeakMap<Blob, string>} */
        const keys = new WeakMap();

        return {
            endpoint: this.endpoint.href,
            fieldName: 'file', formData: true,
            allowedMetaFields: /** @type {string[]} */ ([]),
            withCredentials: this.credentials === 'include',
            headers: (/** @type {{data: Blob}} */ {data}) => {
                const key = keys.get(data) ?? newKey();

                keys.set(data, key);
                return {...this.headers, 'Idempotency-Key': key};
            },
            shouldRetry: (/** @type {XMLHttpRequest} */ {status}) =>
                new PipelineError(status).passing,
            getResponseData: (/** @type {XMLHttpRequest} */ request) =>
                ({...parse(request.responseText), url: this.jobURL(request)}),
            ...options,
        };
    }

    /** What the pipeline takes, does and gives: stages, params, limits. */

    async describe() {
        return (await ask(this, 'GET', this.endpoint.href)).json();
    }

    /** @param {XMLHttpRequest} request  an answered upload */

    jobURL(request) {
        return new URL(request.getResponseHeader('Location')
                       ?? parse(request.responseText).id, this.endpoint).href;
    }

    /** @returns {{url: string, name: string, note?: any}[]} */

    kept() {
        return parse(this.storage?.getItem(this.shelf)) ?? [];
    }

    /** @param {Job} job
     *  @param {boolean} [known] */

    keep({url, name, note}, known = true) {
        const others = this.kept().filter(other => other.url !== url);
        const all = known ? [...others, {url, name, note}] : others;

        try {
            this.storage?.setItem(this.shelf,
                                  JSON.stringify(all.slice(-KEPT_MAX)));
        } catch { /* full: a reload finds those of before */ }
    }
}


/** One picture; "change" is dispatched whenever something of it is new. */

export class Job extends EventTarget {

    #stop = new AbortController();
    #canceled = false;
    /** @type {Promise<void>|null} */
    #watching = null;
    #again = async () => {};            /* sends it once more */

    /** @param {Pipeline} pipeline
     *  @param {JobOptions} options */

    constructor(pipeline, {name = '', note, signal}) {
        super();

        this.pipeline = pipeline;
        this.name = name;
        this.note = note;
        /** @type {State} */
        this.state = 'waiting';
        this.sent = 0;                  /* of the upload, 0..1 */
        /** @type {PipelineError|null} */
        this.trouble = null;            /* why it is being tried again */
        this.url = '';
        /** @type {JobDocument|null} */
        this.document = null;
        /** @type {PipelineError|null} */
        this.error = null;

        this.signal = AbortSignal.any([this.#stop.signal,
                                       ...(signal ? [signal] : [])]);
        this.signal.addEventListener('abort', () => this.set({}));
    }

    get ended() {
        return ['succeeded', 'failed', 'canceled'].includes(this.state);
    }

    /** 0..100, of the work */

    get progress() {
        return this.document?.progress ?? 0;
    }

    /** The document of success; rejected with a PipelineError, or with an
     *  AbortError when nobody watches the job any more.
     *  @returns {Promise<JobDocument>} */

    finished() {
        return new Promise((resolve, reject) => {
            const look = () => {
                if (this.state === 'succeeded' && this.document) {
                    resolve(this.document);
                } else if (this.ended) {
                    reject(this.error);
                } else if (this.signal.aborted) {
                    reject(this.signal.reason);
                } else {
                    this.addEventListener('change', look, {once: true});
                }
            };

            look();
        });
    }

    /** Ends the work, here and there. */

    async cancel() {
        this.#canceled = true;

        if (this.url) {
            await this.#order('DELETE', this.url);

        } else if (this.state !== 'checking') {
            this.set({state: 'canceled', error: new PipelineError(409)});
            this.stop();
        }

        /* else its URL is about to come, and is deleted then */
    }

    /** A failed job goes on at its failed stage; an upload is sent again. */

    async retry() {
        await (this.url ? this.#order('POST', this.url + '/retry')
                        : this.#again());
    }

    /** Sends and watches no more; the work itself goes on. */

    stop() {
        this.#stop.abort();
    }

    /** stop(), and a reloaded page does not find it either */

    forget() {
        this.stop();
        this.pipeline.keep(this, false);
    }

    /** @param {Partial<Job>} changes */

    set(changes) {
        Object.assign(this, changes);
        this.dispatchEvent(new Event('change'));
    }

    /** @param {Blob} file
     *  @param {UploadOptions} options
     *  @param {string} [key] */

    async send(file, options, key = newKey()) {
        this.#again = () => this.send(file, options, key);
        this.set({state: 'waiting', error: null});

        try {
            const request = await this.#deliver(file, options, key);

            this.url = this.pipeline.jobURL(request);
            this.pipeline.keep(this);
            this.#show(parse(request.responseText));
            this.watch();

            if (this.#canceled) {
                this.cancel().catch(() => {});
            }

        } catch (error) {
            this.#fail(error);
        }
    }

    /** Until it is answered, again and again if need be.
     *  @param {Blob} file
     *  @param {UploadOptions} options
     *  @param {string} key */

    async #deliver(file, {params, shrink: smaller}, key) {
        const query = new URLSearchParams(params).toString();
        const url = new URL(query && '?' + query, this.pipeline.endpoint);

        for (let attempt = 1; ; attempt++) {
            const turn = await uploads.take(this.signal);

            try {
                if (smaller && attempt === 1) {
                    this.set({state: 'optimizing'});
                    file = await (await import('./image-pipeline-shrink.js'))
                                 .shrink(file, smaller);
                    this.signal.throwIfAborted();
                }

                this.set({state: 'sending', sent: 0});

                return await post(this.pipeline, url, file, key, turn, sent =>
                    this.set({sent, trouble: null,
                              state: sent < 1 ? 'sending' : 'checking'}));

            } catch (error) {
                this.#endure(error, attempt);
                await pause(attempt, error.retryAfter, this.signal);

            } finally {
                turn.end();
            }
        }
    }

    /** @param {any} error */

    #fail(error) {
        if (!this.signal.aborted) {
            this.set({state: 'failed', trouble: null, error});
        }

        if ([404, 410].includes(error.status)) {
            this.pipeline.keep(this, false);
        }
    }

    /** Errors that pass are shown, others thrown.
     *  @param {unknown} error
     *  @param {number} [attempt]
     *  @returns {asserts error is PipelineError} */

    #endure(error, attempt = 0) {
        if (!(error instanceof PipelineError) || !error.passing
            || attempt === ATTEMPTS)
        {
            throw error;
        }

        this.set({trouble: error});
    }

    /** Until it has ended. */

    watch() {
        this.#watching ??= this.#follow()
            .catch(error => this.#fail(error))
            .finally(() => { this.#watching = null; });
    }

    /* what brought nothing new, and that at once, is asked ever more calmly */

    async #follow() {
        for (let misses = 0; !this.ended; ) {
            const turn = await watchers.take(this.signal);
            const revision = this.document?.revision;
            const began = Date.now();
            let least = 0;

            try {
                turn.share();
                await this.#look(turn);

            } catch (error) {
                const why = turn.signal.aborted ? turn.signal.reason : error;

                if (why !== OVER) {
                    this.#endure(why);
                    least = why.retryAfter;
                }
            } finally {
                turn.end();
            }

            misses = revision === this.document?.revision
                     && Date.now() - began < QUICK ? misses + 1 : 0;

            if (misses || least) {
                await pause(misses, least, this.signal);
            }
        }
    }

    /** One request, held by the server for as long as it likes.
     *  @param {import('./image-pipeline-wire.js').Turn} turn */

    async #look(turn) {
        const {pipeline, pipeline: {streams}, url} = this;
        const seen = this.trouble ? 0 : this.document?.revision ?? 0;

        turn.alive(streams ? FIRST : SILENCE, () => pipeline.streams = false);

        let answer = await ask(pipeline, 'GET',
            streams ? url : `${url}?wait=${WAIT}&since=${seen}`,
            {signal: turn.signal,
             headers: streams ? {Accept: 'text/event-stream'} : {}});

        if (answer.headers.get('Content-Type')?.startsWith('text/event')) {
            const alive = () => turn.alive(SILENCE);

            for await (const event of events(answer, alive)) {
                this.#hear(event);
            }

            return this.ended ? undefined : pause(0, 0, turn.signal);
        }

        if (streams) {                  /* there is none, or it has ended */
            pipeline.streams = answer.status === 204;
            answer = await ask(pipeline, 'GET', url, turn);
        }

        if (answer.status === 200) {
            this.#show(await answer.json().catch(lost));
        }
    }

    /** "state" and "done" have the whole document; "stage" a stage and its
     *  outputs; "progress", which ends a revision, what else is new.
     *  @param {import('./image-pipeline-wire.js').ServerEvent} event */

    #hear({event, data}) {
        const old = this.document;

        if (!old || event === 'state' || event === 'done') {
            return this.#show(data);
        }

        const {stage, outputs, stages = [stage], ...news} = data;
        const fresh = (/** @type {Stage} */ known) => stages.find(
            (/** @type {Stage} */ {name}) => name === known.name) ?? known;

        this.#show({
            ...old, ...(stage ? {} : news), stages: old.stages.map(fresh),
            outputs: {...old.outputs,
                      ...(outputs && {[stage.name]: outputs})},
        });
    }

    /** @param {JobDocument} document */

    #show(document) {
        if (document.revision < (this.document?.revision ?? 0)) {
            return;
        }

        for (const output of Object.values(document.outputs).flat()) {
            output.url = new URL(output.url, this.url).href;
        }

        const {status, error} = document;
        const lost = status === 'failed' || status === 'canceled';

        this.set({document, state: status, trouble: null, error: lost
                  ? new PipelineError(error?.status ?? 409, error) : null});
    }

    /** @param {string} method
     *  @param {string} url */

    async #order(method, url) {
        const answer = await ask(this.pipeline, method, url);

        this.#show(await answer.json().catch(lost));
        this.watch();
    }
}
