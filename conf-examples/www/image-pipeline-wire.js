/*
 * The wire under image-pipeline.js: requests that are answered or fail in one
 * way, uploads that tell how much is sent, streams of events, and turns, since
 * browsers have six connections to a server of HTTP/1.1 for all that a page
 * does: two upload, three watch, one is left for pictures and for cancel.
 */

const STALL = 60000;            /* ms that an upload may stand still */
const PAUSE_MAX = 15000;        /* ms between two attempts */
const TURN = 1000;              /* ms that one watches while others wait */

/** @typedef {{type?: string, title?: string, status?: number, detail?: string,
 *     stage?: string}} Problem  (RFC 9457) */

/** @typedef {{headers: Record<string, string>,
 *     credentials: RequestCredentials}} Access */

/** @typedef {{id: string, event: string, data: any}} ServerEvent */


/** What a person is told, by the name of the problem; yours to replace.
 *  @type {Record<string, string>} */

export const WORDS = {
    'unreachable': 'The server cannot be reached.',
    'forbidden': 'You are not allowed to do this. Are you still signed in?',
    'not-found': 'This job is not known here any more.',
    'expired': 'This job is over; its pictures are no longer kept.',
    'too-large': 'This file is too large.',
    'unsupported-type': 'This kind of file is not accepted here.',
    'too-many-pixels': 'This picture has too many pixels.',
    'bad-image': 'This picture cannot be read. It may be damaged.',
    'bad-param': 'These settings are not possible.',
    'owner-share': 'Many of your pictures are at work. Please wait for them.',
    'queue-full': 'There is much to do just now. Please try again later.',
    'store-unavailable': 'Nothing can be stored now. Please try again later.',
    'store-full': 'The server has no room left. Please try again later.',
    'service-unreachable': 'A service that is needed cannot be reached.',
    'service-timeout': 'A service that is needed took too long.',
    'service-busy': 'A service that is needed is busy or failing.',
    'service-reply': 'A service that is needed gave no usable answer.',
    'service-refused': 'A service that is needed refused this picture.',
    'canceled': 'Canceled.',
    'internal': 'The server made a mistake.',
};

/** For answers that are no problem+json.  @type {Record<number, string>} */

const STATUSES = {
    0: 'unreachable', 401: 'forbidden', 403: 'forbidden', 404: 'not-found',
    408: 'unreachable', 409: 'canceled', 410: 'expired', 413: 'too-large',
    415: 'unsupported-type', 422: 'bad-image', 429: 'queue-full',
    502: 'unreachable', 503: 'queue-full', 504: 'unreachable',
    507: 'store-full',
};


/** Why an upload was not taken, or a job did not succeed: message in plain
 *  words, detail as the server has it. */

export class PipelineError extends Error {

    /** @param {number} status  0: no answer
     *  @param {Problem|null} [problem]
     *  @param {string|null} [retryAfter]  seconds */

    constructor(status, problem, retryAfter) {
        const type = problem?.type?.replace('urn:image-pipeline:', '')
                     || STATUSES[status] || 'internal';

        super(WORDS[type] ?? problem?.title ?? WORDS.internal);

        this.name = 'PipelineError';
        this.type = type;
        this.status = status;
        this.detail = problem?.detail ?? '';
        this.stage = problem?.stage ?? null;
        this.retryAfter = Number(retryAfter) || 0;
    }

    /** whether the same request may well succeed later */

    get passing() {
        return [0, 408, 425, 429, 500, 502, 503, 504].includes(this.status);
    }
}


/** A turn's signal is aborted with this when it is over, as others wait. */

export const OVER = new DOMException('others wait', 'AbortError');


class Turns {

    #free;
    /** @type {(() => void)[]} */
    #queue = [];

    /** @param {number} places */

    constructor(places) {
        this.#free = places;
    }

    get wanted() {
        return this.#queue.length > 0;
    }

    /** Rejected when the signal is aborted first.
     *  @param {AbortSignal} signal
     *  @returns {Promise<Turn>} */

    async take(signal) {
        signal.throwIfAborted();

        if (this.#free > 0) {
            this.#free--;
            return new Turn(this, signal);
        }

        await new Promise((resolve, reject) => {
            const go = () => {
                signal.removeEventListener('abort', leave);
                resolve(null);
            };

            const leave = () => {
                this.#queue.splice(this.#queue.indexOf(go), 1);
                reject(signal.reason);
            };

            signal.addEventListener('abort', leave, {once: true});
            this.#queue.push(go);
        });

        return new Turn(this, signal);
    }

    give() {
        const next = this.#queue.shift();

        if (next) {
            next();
        } else {
            this.#free++;
        }
    }
}


/** A place among those that talk to the server, until end(). */

export class Turn {

    #control = new AbortController();
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    #timer;

    /** @param {Turns} turns
     *  @param {AbortSignal} signal */

    constructor(turns, signal) {
        this.turns = turns;
        this.signal = AbortSignal.any([signal, this.#control.signal]);
    }

    /** It is given up after so much silence.
     *  @param {number} ms
     *  @param {() => void} [then] */

    alive(ms, then = () => {}) {
        clearTimeout(this.#timer);

        this.#timer = setTimeout(() => {
            then();
            this.#control.abort(new PipelineError(0));
        }, ms);
    }

    /** It is over soon if others wait. */

    share() {
        this.sharing = setInterval(() => {
            if (this.turns.wanted) {
                this.#control.abort(OVER);
            }
        }, TURN);
    }

    end() {
        clearTimeout(this.#timer);
        clearInterval(this.sharing);
        this.turns.give();
    }
}


export const uploads = new Turns(2);
export const watchers = new Turns(3);


/** What fetch() and its answers are rejected with, when nobody ended them.
 *  @param {Error} error
 *  @returns {never} */

export function lost(error) {
    throw error.name === 'AbortError' ? error : new PipelineError(0);
}


/** A request whose answer is 2xx, or else a PipelineError.
 *  @param {Access} access
 *  @param {string} method
 *  @param {string} url
 *  @param {RequestInit} [options] */

export async function ask(access, method, url, options = {}) {
    const answer = await fetch(url, {
        ...options, method, cache: 'no-store', credentials: access.credentials,
        headers: {...access.headers, ...options.headers},
    }).catch(lost);

    if (answer.ok) {
        return answer;
    }

    throw new PipelineError(answer.status, parse(await answer.text()),
                            answer.headers.get('Retry-After'));
}


/** Sends a file; by XMLHttpRequest, as fetch() cannot tell how much is sent.
 *  @param {Access} access
 *  @param {URL} url
 *  @param {Blob} file
 *  @param {string} key  Idempotency-Key
 *  @param {Turn} turn
 *  @param {(part: number) => void} progress  0..1
 *  @returns {Promise<XMLHttpRequest>} */

export function post(access, url, file, key, turn, progress) {
    const request = new XMLHttpRequest();
    const headers = {
        'Content-Type': file.type || 'application/octet-stream',
        'Idempotency-Key': key, ...access.headers,
    };

    return new Promise((resolve, reject) => {
        request.upload.onprogress = ({loaded, total}) => {
            turn.alive(STALL);
            progress(loaded / (total || 1));
        };

        request.upload.onload = () => progress(1);

        request.onload = () =>
            request.status < 300 && parse(request.responseText)?.id
                ? resolve(request)
                : reject(new PipelineError(request.status,
                         parse(request.responseText),
                         request.getResponseHeader('Retry-After')));

        request.onerror = () => reject(new PipelineError(0));
        request.onabort = () => reject(turn.signal.reason);
        turn.signal.addEventListener('abort', () => request.abort());
        turn.alive(STALL);

        request.open('POST', url);
        request.withCredentials = access.credentials === 'include';

        for (const [name, value] of Object.entries(headers)) {
            request.setRequestHeader(name, value);
        }

        request.send(file);
    });
}


/** The events of a stream, "text/event-stream".
 *  @param {Response} answer
 *  @param {() => void} alive  called whenever something comes, heartbeats too
 *  @returns {AsyncGenerator<ServerEvent>} */

export async function* events(answer, alive) {
    const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body)
                   .getReader();
    const decoder = new TextDecoder();
    let text = '';

    for (;;) {
        const {done, value} = await reader.read().catch(lost);

        if (done) {
            return;
        }

        alive();
        text += decoder.decode(value, {stream: true});

        const blocks = text.split(/\r?\n\r?\n/);

        text = /** @type {string} */ (blocks.pop());

        for (const block of blocks) {
            const event = {id: '', event: 'message', data: ''};

            for (const [, name, value] of block.matchAll(/^(\w+): ?(.*)$/gm)) {
                if (name === 'id' || name === 'event' || name === 'data') {
                    event[name] = value.trimEnd();
                }
            }

            const data = parse(event.data);

            if (data !== null) {
                yield {...event, data};
            }
        }
    }
}


/** Longer from time to time, by chance, so that a server that comes back is
 *  not met by all at once; ends early when the connection is back.
 *  @param {number} misses
 *  @param {number} least  seconds, Retry-After
 *  @param {AbortSignal} signal
 *  @returns {Promise<void>} */

export function pause(misses, least, signal) {
    const longest = Math.min(PAUSE_MAX, 500 * 2 ** misses);
    const ms = longest * (.5 + Math.random() / 2);

    return new Promise((resolve, reject) => {
        const end = () => {
            clearTimeout(timer);
            removeEventListener('online', end);
            signal.removeEventListener('abort', end);
            signal.aborted ? reject(signal.reason) : resolve();
        };

        const timer = setTimeout(end, Math.max(ms, 1000 * least));

        addEventListener('online', end);
        signal.addEventListener('abort', end);
    });
}


/** JSON, or null
 *  @param {string|null|undefined} text
 *  @returns {any} */

export function parse(text) {
    try {
        return JSON.parse(text ?? '');
    } catch {
        return null;
    }
}


/** An Idempotency-Key (RFC 8941 string); crypto.randomUUID() is missing on
 *  pages without TLS. */

export function newKey() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));

    return '"' + [...bytes].map(byte => byte.toString(16).padStart(2, '0'))
                           .join('') + '"';
}
