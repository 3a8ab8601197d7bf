/*
 * Large photographs made smaller before they are sent.  The picture is turned
 * upright by its EXIF orientation, which is lost with all else of EXIF (the
 * place where it was taken, too).  What cannot be decoded, is small enough, or
 * would not get smaller is sent as it is: the server knows all of that itself.
 */

const MAX = 2048;               /* pixels of the longer side */
const QUALITY = .9;

/** What may be drawn anew, and as what; not GIF, which may move, nor SVG. */

const AS = new Map([
    ['image/jpeg', 'image/jpeg'], ['image/heic', 'image/jpeg'],
    ['image/heif', 'image/jpeg'], ['image/png', 'image/png'],
    ['image/webp', 'image/webp'],
]);

/** @typedef {{max?: number, quality?: number}} ShrinkOptions  the longer side
 *     in pixels, 2048; 0..1, 0.9 */


/** @param {Blob} file
 *  @param {ShrinkOptions} [options]
 *  @returns {Promise<Blob>}  the file itself if that is better */

export async function shrink(file, {max = MAX, quality = QUALITY} = {}) {
    const type = AS.get(file.type);

    if (type === undefined || !truthful()) {
        return file;
    }

    try {
        const bitmap = await createImageBitmap(file, {
            imageOrientation: 'from-image',
        });

        try {
            const scale = max / Math.max(bitmap.width, bitmap.height);

            if (scale >= 1) {
                return file;
            }

            const smaller = await draw(bitmap, scale, type, quality);

            /* a browser that cannot write this type writes PNG */

            return smaller.type === type && smaller.size < file.size
                   ? smaller : file;

        } finally {
            bitmap.close();
        }

    } catch {
        return file;
    }
}


/** @param {ImageBitmap} bitmap
 *  @param {number} scale
 *  @param {string} type
 *  @param {number} quality */

function draw(bitmap, scale, type, quality) {
    const canvas = new OffscreenCanvas(
        Math.max(1, Math.round(bitmap.width * scale)),
        Math.max(1, Math.round(bitmap.height * scale)));
    const context = context2d(canvas);

    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);

    return canvas.convertToBlob({type, quality});
}


/** Browsers that do not want to be recognised give noise for what was drawn. */

function truthful() {
    try {
        const context = context2d(new OffscreenCanvas(1, 1));

        context.fillStyle = 'rgb(12, 34, 56)';
        context.fillRect(0, 0, 1, 1);

        return String(context.getImageData(0, 0, 1, 1).data) === '12,34,56,255';

    } catch {
        return false;
    }
}


/** @param {OffscreenCanvas} canvas
 *  @returns {OffscreenCanvasRenderingContext2D} */

function context2d(canvas) {
    const context = canvas.getContext('2d');

    if (context === null) {
        throw new TypeError('no canvas');
    }

    return context;
}
