/*
 * What is seen of conf-examples/www/ in a browser; t/42-browser.t starts this.
 * SHOTS=folder keeps pictures of the pages.
 */

import {PHONE, accessible, card, end, file, fits, is, note, ok, photo, server,
        shot, test, words} from './harness.mjs';


/* the library alone; what is evaluated runs in the page */

const LIBRARY = '/image-pipeline.js';
const bytes = buffer => [...buffer];

await test('shrink', '/', {}, async page => {
    const found = await page.evaluate(async ({lying, small}) => {
        const {shrink} = await import('/image-pipeline-shrink.js');
        const jpeg = data => new File([new Uint8Array(data)], 'a.jpg',
                                      {type: 'image/jpeg'});
        const look = async blob => {
            const bitmap = await createImageBitmap(blob);
            const {width, height} = bitmap;
            const context = new OffscreenCanvas(width, height).getContext('2d');

            context.drawImage(bitmap, 0, 0);

            return [width, height, ...[.25, .75].map(x => {
                const [r, , b] = context.getImageData(width * x, height / 2,
                                                      1, 1).data;
                return r > b + 100 ? 'red' : b > r + 100 ? 'blue' : 'neither';
            })];
        };

        /* half of it is transparent */

        const canvas = new OffscreenCanvas(400, 200);
        const context = canvas.getContext('2d');

        context.fillStyle = 'red';
        context.fillRect(0, 0, 200, 200);

        const png = await canvas.convertToBlob();
        const smaller = await shrink(png, {max: 100});
        const drawn = new OffscreenCanvas(100, 50).getContext('2d');

        drawn.drawImage(await createImageBitmap(smaller), 0, 0);

        const photo = jpeg(lying);
        const broken = jpeg(lying.slice(0, 200));
        const text = new File(['hello'], 'a.txt', {type: 'text/plain'});
        const less = await shrink(photo, {max: 400});

        return {
            turned: await look(less), type: less.type,
            shrunk: less.size < photo.size,
            alpha: [smaller.type, drawn.getImageData(90, 25, 1, 1).data[3],
                    drawn.getImageData(10, 25, 1, 1).data[3]],
            same: [await shrink(photo, {max: 800}) === photo,
                   await shrink(broken, {max: 20}) === broken,
                   await shrink(text, {max: 20}) === text],
        };
    }, {lying: bytes(file('lying.jpg'))});

    is(found.turned, [300, 400, 'blue', 'red'], 'shrink: turned upright');
    ok(found.shrunk && found.type === 'image/jpeg', 'shrink: a smaller JPEG');
    is(found.alpha, ['image/png', 0, 255], 'shrink: what is transparent stays');
    is(found.same, [true, true, true],
       'shrink: what is small, broken or no picture is sent as it is');
});

await test('events', '/', {}, async page => {
    const found = await page.evaluate(async () => {
        const {events} = await import('/image-pipeline-wire.js');
        const text = ': hb\n\nretry: 2000\nid: 1\nevent: state\n'
                     + 'data: {"a":"\u00e4"}\n\n: hb\n\r\n'
                     + 'id:2\r\nevent: done\r\ndata:{"b":2}\r\n\r\nid: 3\ndata';
        const all = new TextEncoder().encode(text);
        let heard = 0;

        /* bytes come as they like */

        const found = [];
        const body = new ReadableStream({start(control) {
            all.forEach(byte => control.enqueue(new Uint8Array([byte])));
            control.close();
        }});

        for await (const {id, event, data} of events(new Response(body),
                                                     () => heard++))
        {
            found.push([id, event, data]);
        }

        return {found, heard: heard === all.length};
    });

    is(found.found, [['1', 'state', {a: 'ä'}], ['2', 'done', {b: 2}]],
       'events: whole ones, however they are cut');
    ok(found.heard, 'events: each byte is a sign of life');
});

await test('upload', '/', {}, async page => {
    const {buffer} = photo();
    let lost = 0;

    /* the server has it, its answer does not arrive */

    await page.route(url => url.pathname === '/once/', async route => {
        if (lost++ === 0) {
            await route.fetch();
            await route.abort('connectionreset');
        } else {
            await route.continue();
        }
    });

    const found = await page.evaluate(async ({library, data}) => {
        const {Pipeline} = await import(library);
        const file = new File([new Uint8Array(data)], 'a.jpg',
                              {type: 'image/jpeg'});
        let trouble = '';
        const job = new Pipeline('/once/').upload(file);

        job.addEventListener('change', () => {
            trouble ||= job.trouble?.type ?? '';
        });

        const {status, outputs} = await job.finished();
        const picture = await fetch(outputs.once[0].url);

        return {status, trouble, size: (await picture.blob()).size,
                kept: sessionStorage.length};
    }, {library: LIBRARY, data: bytes(buffer)});

    is([found.status, found.size], ['succeeded', buffer.length],
       'upload: comes back');
    is([lost, found.trouble], [2, 'unreachable'], 'upload: sent twice');
    is(await server('calls', '/echo/once'), 1, 'upload: worked on once');
    is(found.kept, 1, 'upload: kept for a reload');
});

await test('polls', '/', {}, async page => {

    /* between them there is something that knows of no streams */

    await page.route(/\/once\/\w/, route => route.continue({
        headers: {...route.request().headers(), accept: '*/*'}}));

    const found = await page.evaluate(async ({library, data}) => {
        const {Pipeline} = await import(library);
        const pipeline = new Pipeline('/once/');
        const file = new Blob([new Uint8Array(data)], {type: 'image/jpeg'});
        const {status} = await pipeline.upload(file).finished();

        return [status, pipeline.streams];
    }, {library: LIBRARY, data: bytes(photo().buffer)});

    is(found, ['succeeded', false], 'polls: where no stream comes through');
});

await test('errors', '/', {}, async page => {
    const found = await page.evaluate(async ({library, data}) => {
        const {Pipeline, PipelineError, WORDS} = await import(library);
        const jpeg = new File([new Uint8Array(data)], 'a.jpg',
                              {type: 'image/jpeg'});
        const text = new File(['hello'], 'a.txt', {type: 'text/plain'});
        const why = job => job.finished().catch(
            error => [error instanceof PipelineError || error.name,
                      error.type, error.status, error.message]);
        const control = new AbortController();
        const {signal} = control;
        const photos = new Pipeline('/photos/');
        const once = new Pipeline('/once/');

        photos.storage.clear();
        WORDS['too-large'] = 'Zu groß.';

        const all = await Promise.all([
            why(photos.upload(text)),
            why(new Pipeline('/tiny/').upload(jpeg)),
            why(photos.upload(jpeg, {params: {expand: 'so'}})),
            why(photos.open('00000000000000000000000000')),
        ]);
        const aborted = once.upload(jpeg, {signal});

        control.abort();

        return {all, aborted: (await why(aborted))[0],
                late: (await why(once.upload(jpeg, {signal})))[0],
                kept: photos.kept().length};
    }, {library: LIBRARY, data: bytes(photo().buffer)});

    is(found.all.map(([known, type, status]) => [known, type, status]), [
        [true, 'unsupported-type', 415], [true, 'too-large', 413],
        [true, 'bad-param', 422], [true, 'not-found', 404],
    ], 'errors: by their names');
    is(found.all[1][3], 'Zu groß.', 'errors: in words of one\'s own');
    is([found.aborted, found.late], ['AbortError', 'AbortError'],
       'errors: a signal ends it, before and after');
    is(found.kept, 0, 'errors: what was not taken is not kept');
});

await test('uppy', '/', {}, async page => {
    const found = await page.evaluate(async ({library, data}) => {
        const {Pipeline} = await import(library);
        const pipeline = new Pipeline('/once/');
        const options = pipeline.uppy({limit: 3});
        const file = {data: new Blob([new Uint8Array(data)])};
        const form = new FormData();
        const request = new XMLHttpRequest();
        const headers = options.headers(file);

        /* as XHRUpload does it */

        form.append(options.fieldName, file.data, 'a.jpg');
        request.open('POST', options.endpoint);
        Object.entries(headers).forEach(header =>
            request.setRequestHeader(...header));
        await new Promise(resolve => {
            request.onload = resolve;
            request.send(form);
        });

        const {url} = options.getResponseData(request);
        const {status} = await pipeline.open(url).finished();

        return {status, streams: pipeline.streams, limit: options.limit,
                key: headers['Idempotency-Key']
                     === options.headers(file)['Idempotency-Key'],
                again: [0, 503, 415].map(status =>
                    options.shouldRetry({status}))};
    }, {library: LIBRARY, data: bytes(photo().buffer)});

    is(found, {status: 'succeeded', streams: true, limit: 3, key: true,
               again: [true, true, false]}, 'uppy: options for its XHRUpload');
});

/* more jobs than a browser has connections: none is starved, and there is one
   left for the page */

await test('many', '/', {}, async page => {
    const found = await page.evaluate(async ({library, data}) => {
        const {Pipeline} = await import(library);
        const pipeline = new Pipeline('/many/');
        const jobs = data.map(one =>
            pipeline.upload(new Blob([new Uint8Array(one)])));
        const until = condition => new Promise(resolve => {
            const look = () => condition() && resolve();

            jobs.forEach(job => job.addEventListener('change', look));
            look();
        });

        await until(() => jobs.every(job => job.state === 'running'));

        await jobs[0].cancel();
        window.rest = Promise.all(jobs.slice(1).map(job => job.finished()));

        return jobs[0].state;
    }, {library: LIBRARY,
        data: Array.from({length: 8}, () =>
            bytes(photo('', 'lying.jpg').buffer))});

    is(found, 'canceled', 'many: a connection is left for cancel');
    await server('open', 'many');
    is(await page.evaluate(async () =>
        (await window.rest).map(({status}) => status)),
        Array(7).fill('succeeded'), 'many: all come to their end');
});


/* the page */

await test('page', '/', {viewport: {width: 1100, height: 760}}, async page => {
    await accessible(page, 'empty page');
    await page.setInputFiles('#file', [photo('one.jpg'),
                                       photo('two.jpg', 'lying.jpg')]);

    const one = await card(page, 'one.jpg', 'running');

    await words(one.locator('.state'), 'Cutting the subject out');
    await shot(page, 'page-running');
    await server('open', 'photos');
    await card(page, 'one.jpg', 'succeeded');
    await card(page, 'two.jpg', 'succeeded');

    is(await one.locator('figcaption .name').allInnerTexts(),
       ['Original', 'Cutout', 'Result'], 'page: results beside the original');
    is(await one.locator('.stages .name').allInnerTexts(),
       ['Small', 'Cutout', 'Result'], 'page: stages by their names');

    const result = one.getByAltText('Result of Result');

    await page.waitForFunction(image => image.complete && image.naturalWidth,
                               await result.elementHandle());
    is(await result.evaluate(image => image.naturalWidth), 400,
       'page: the result is shown');
    ok((await one.locator('.state').innerText()).startsWith('Done in'),
       'page: and how long it took');
    is(await page.locator('select[name=expand]').inputValue(), 'on',
       'page: params are set');
    await accessible(page, 'page');
    await shot(page, 'page-done');
});

await test('phone', '/', {...PHONE, colorScheme: 'dark'}, async page => {
    await page.getByText('Try our otter').tap();
    await card(page, 'otter.jpg', 'succeeded');
    await accessible(page, 'phone');
    await fits(page, 'phone');
    await shot(page, 'phone-dark');
});

await test('optimizing', '/', {}, async page => {
    await page.evaluate(() => {
        window.said = [];
        new MutationObserver(() => window.said.push(
            document.getElementById('news').textContent))
            .observe(document.getElementById('news'), {childList: true});
    });
    await page.setInputFiles('#file', photo('lying.jpg', 'lying.jpg'));
    await card(page, 'lying.jpg', 'succeeded');

    const said = await page.evaluate(() => window.said);

    for (const what of ['Optimising image…', 'Sending…', 'Done in']) {
        ok(said.some(text => text.startsWith(`lying.jpg: ${what}`)),
           `optimizing: "${what}" is told to those who listen`, said);
    }

    ok(said.length < 12, 'optimizing: and not each percent', said.length);
});

await test('paste', '/', {}, async page => {
    await page.evaluate(data => {
        const transfer = new DataTransfer();

        transfer.items.add(new File([new Uint8Array(data)], 'image.png',
                                    {type: 'image/jpeg'}));
        document.body.dispatchEvent(new ClipboardEvent('paste', {
            clipboardData: transfer, bubbles: true}));
    }, bytes(photo().buffer));

    await card(page, 'image.png', 'succeeded');
    ok(true, 'paste: taken from the clipboard');
});

await test('cancel', '/at-hang.html', {}, async page => {
    await page.setInputFiles('#file', photo('one.jpg'));

    const one = await card(page, 'one.jpg', 'running');

    await words(one.locator('.state'), 'At it');

    /* by keyboard alone */

    await one.getByRole('button', {name: 'Cancel'}).focus();
    await page.keyboard.press('Enter');
    await card(page, 'one.jpg', 'canceled');
    ok(await one.evaluate(root => root.contains(document.activeElement)),
       'cancel: the focus stays where it was');
    await accessible(page, 'canceled job');
    await one.getByRole('button', {name: 'Remove'}).press('Enter');
    is(await page.locator('.job').count(), 0, 'cancel: and removed');
    is(await page.evaluate(() => document.activeElement.id), 'choose',
       'cancel: the focus is where one goes on');
    await page.reload();
    is(await page.locator('.job').count(), 0, 'cancel: for good');
});

await test('failure', '/at-refuse.html', {}, async page => {
    await page.setInputFiles('#file', photo('one.jpg'));

    const one = await card(page, 'one.jpg', 'failed');

    await words(one.locator('.error'), 'refused this picture');
    await words(one.locator('.error'), 'Stage “first”');
    await accessible(page, 'failed job');
    await shot(page, 'page-failed');
    await one.getByRole('button', {name: 'Try again'}).click();
    await card(page, 'one.jpg', 'succeeded');
    ok(await one.locator('.error').isHidden(), 'failure: another try helps');
});

await test('refusal', '/', {}, async page => {
    await page.setInputFiles('#file', {name: 'notes.txt', buffer:
        Buffer.from('hello'), mimeType: 'text/plain'});

    const one = await card(page, 'notes.txt', 'failed');

    await words(one.locator('.error'), 'This kind of file is not accepted');
    ok(await one.getByRole('button', {name: 'Try again'}).isHidden(),
       'refusal: no other try is offered');
});

await test('reload', '/at-reload.html', {}, async page => {
    await page.setInputFiles('#file', [photo('one.jpg'), photo('two.jpg')]);
    await card(page, 'one.jpg', 'running');
    await card(page, 'two.jpg', 'running');
    await page.waitForFunction(() =>
        JSON.parse(Object.values(sessionStorage)[0])
            .every(({note}) => note?.startsWith('data:image/jpeg')));
    await page.reload();

    const one = await card(page, 'one.jpg', 'running');

    ok(await one.getByAltText('Your picture').isVisible(),
       'reload: the original is shown again');
    await server('open', 'reload');
    await card(page, 'one.jpg', 'succeeded');
    await card(page, 'two.jpg', 'succeeded');
    await page.reload();
    await card(page, 'one.jpg', 'succeeded');
    ok(true, 'reload: running jobs and finished ones are found again');
});

await test('lost server', '/at-lost.html', {}, async page => {
    await page.setInputFiles('#file', photo('one.jpg'));

    const one = await card(page, 'one.jpg', 'running');

    await server('stop');
    await words(one.locator('.state'), 'Connection lost, trying again');
    await page.setInputFiles('#file', photo('two.jpg'));
    await words((await card(page, 'two.jpg')).locator('.state'),
                'Connection lost, trying again');
    await shot(page, 'page-lost');
    await server('start');
    await words(one.locator('.state'), 'Gate…');
    await server('open', 'lost');
    await card(page, 'one.jpg', 'succeeded');
    await card(page, 'two.jpg', 'succeeded');
    ok(true, 'lost server: a job and an upload go on when it is back');
});

await end();
