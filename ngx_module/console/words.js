/*
 * Numbers for people.
 */

export function span(ms) {
    const minutes = ms / 60000;

    return ms < 1000 ? `${Math.round(ms)} ms`
           : ms < 9950 ? `${(ms / 1000).toFixed(1)} s`
           : ms < 120000 ? `${Math.round(ms / 1000)} s`
           : minutes < 120 ? `${Math.round(minutes)} min`
           : minutes < 2880 ? `${Math.round(minutes / 60)} h`
           : `${Math.round(minutes / 1440)} days`;
}


export function bytes(n) {
    for (const unit of ['bytes', 'KB', 'MB', 'GB']) {
        if (n < 1000) {
            return `${n < 10 && unit !== 'bytes' ? n.toFixed(1)
                                                  : Math.round(n)} ${unit}`;
        }

        n /= 1000;
    }

    return `${n.toFixed(1)} TB`;
}


export function share(part, all) {
    return all ? `${Math.round(100 * part / all)} %` : '–';
}


export function ago(time) {
    return `${span(Math.max(Date.now() - Date.parse(time), 0))} ago`;
}
