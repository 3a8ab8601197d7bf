'use strict';

// The worker that is sharp (npm): upright, at most 1024, PNG if a pixel is
// transparent, else JPEG.  One thread a picture, no cache.  Started by
// workers.py; its commands are those of worker.h, "threads" is as many
// promises at once.
//
//     node work_sharp.js FOLDER size|speed
//
// FOLDER has node_modules.  "size": PNGs as small as Pillow's.

const fs = require('fs');
const path = require('path');
const readline = require('readline');
const [folder, kind] = process.argv.slice(2);
const sharp = require(path.join(folder, 'node_modules/sharp'));

sharp.cache(false);
sharp.concurrency(1);

const BOX = { width: 1024, height: 1024, fit: 'inside',
              withoutEnlargement: true };
const PNG = kind === 'size'
    ? { compressionLevel: 9, adaptiveFiltering: true }
    : {};

let data, last;


// the pipeline ends where an alpha channel has to be looked at

async function run() {
    const { hasAlpha } = await sharp(data).metadata();
    const small = sharp(data).rotate().resize(BOX);

    if (!hasAlpha) {
        return small.jpeg({ quality: 85 }).toBuffer();
    }

    const { data: raw, info } = await small.raw()
        .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    const image = sharp(raw, { raw: { width, height, channels } });

    for (let i = channels - 1; i < raw.length; i += channels) {
        if (raw[i] < 255) {
            return image.png(PNG).toBuffer();
        }
    }

    return image.removeAlpha().jpeg({ quality: 85 }).toBuffer();
}


async function timed(times) {
    const wall = [], cpu = [];

    for (let i = 0; i < times; i++) {
        const before = process.cpuUsage();
        const start = process.hrtime.bigint();

        last = await run();

        const used = process.cpuUsage(before);

        wall.push(Number(process.hrtime.bigint() - start) / 1e6);
        cpu.push((used.user + used.system) / 1e3);
    }

    return { wall, cpu, bytes: last.length };
}


async function threads(count, times) {
    const start = process.hrtime.bigint();

    await Promise.all(Array.from({ length: count }, async () => {
        for (let i = 0; i < times; i++) {
            await run();
        }
    }));

    return { wall: [Number(process.hrtime.bigint() - start) / 1e6] };
}


async function command(name, rest) {
    switch (name) {
    case 'load':
        data = fs.readFileSync(rest);
        return {};

    case 'save':
        fs.writeFileSync(rest, last);
        return {};

    case 'run':
        return timed(+rest);

    case 'threads':
        return threads(...rest.split(' ').map(Number));

    case 'memory':
        return { kb: +/VmHWM:\s*(\d+)/.exec(
            fs.readFileSync('/proc/self/status', 'utf8'))[1] };
    }

    throw new Error('unknown command');
}


async function main() {
    for await (const line of readline.createInterface({ input: process.stdin })) {
        const [, name, rest] = /^(\w+) ?(.*)$/.exec(line);
        let answer;

        try {
            answer = await command(name, rest);
        } catch (error) {
            answer = { error: String(error) };
        }

        process.stdout.write(JSON.stringify(answer) + '\n');
    }
}

main();
