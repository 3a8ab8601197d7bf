/*
 * A pipeline's stages as a picture: columns by how many stages are before one,
 * a line from each input to its reader.
 */

import {drawing as d} from './dom.js';
import {share, span} from './words.js';

const WIDTH = 178;
const HEIGHT = 78;
const APART = 42;
const ABOVE = 14;
const NAME = 22;        /* characters that fit */


export function graph({name, stages}) {
    const places = layout(stages);
    const all = [...places.values()];
    const right = Math.max(...all.map(({x}) => x)) + WIDTH + 2;
    const low = Math.max(...all.map(({y}) => y)) + HEIGHT + 2;

    return d('svg', {width: right, height: low, viewBox: `0 0 ${right} ${low}`,
                     role: 'img', 'aria-label': words(name, stages)},
             ...stages.flatMap(stage => lines(stage, places)),
             ...stages.map(stage => node(stage, places.get(stage.name))));
}


function layout(stages) {
    const depth = new Map();
    const columns = [];
    const places = new Map();

    /* a stage may stand above one that it reads */

    const deep = stage => {
        if (!depth.has(stage.name)) {
            depth.set(stage.name, 0);
            depth.set(stage.name, 1 + Math.max(-1, ...stages
                .filter(({name}) => stage.from.includes(name)).map(deep)));
        }

        return depth.get(stage.name);
    };

    for (const stage of stages) {
        (columns[deep(stage)] ??= []).push(stage);
    }

    const rows = Math.max(...columns.map(column => column.length));

    columns.forEach((column, x) => column.forEach((stage, y) => {
        places.set(stage.name, {
            x: 1 + x * (WIDTH + APART),
            y: 1 + (y + (rows - column.length) / 2) * (HEIGHT + ABOVE),
        });
    }));

    return places;
}


function lines(stage, places) {
    const to = places.get(stage.name);

    return stage.from.filter(name => places.has(name)).map(name => {
        const from = places.get(name);
        const [x, y] = [from.x + WIDTH, from.y + HEIGHT / 2];
        const [u, v] = [to.x, to.y + HEIGHT / 2];
        const bend = (u - x) / 2;

        return d('path', {class: stage.each ? 'each' : '',
                          d: `M${x} ${y} C${x + bend} ${y} ${u - bend} ${v}`
                             + ` ${u} ${v}`});
    });
}


function node(stage, {x, y}) {
    const text = (dx, dy, kind, words) =>
        d('text', {x: x + dx, y: y + dy, class: kind}, words);
    const mood = stage.paused ? 'paused' : stage.running ? 'busy' : '';

    return d('g', {class: mood},
        d('rect', {x, y, width: WIDTH, height: HEIGHT, rx: 8}),
        text(10, 20, 'name', short(stage.name)),
        text(10, 37, 'small', stage.operation
                              + (stage.each ? ', of each' : '')
                              + (stage.optional ? ', optional' : '')),
        text(10, 54, 'now', busy(stage)),
        text(10, 70, stage.failed ? 'fail' : 'small', past(stage)));
}


function short(name) {
    return name.length > NAME ? `${name.slice(0, NAME - 1)}…` : name;
}


function busy(stage) {
    return [stage.paused && 'paused',
            stage.running && `${stage.running} running`,
            stage.waiting && `${stage.waiting} waiting`]
           .filter(Boolean).join(', ') || 'idle';
}


function past(stage) {
    const all = stage.succeeded + stage.cached;

    return [stage.mean_ms !== null && span(stage.mean_ms),
            stage.cached && `${share(stage.cached, all)} known`,
            stage.failed && `${stage.failed} failed`]
           .filter(Boolean).join(' · ');
}


function words(name, stages) {
    return `${name}: ` + stages.map(stage =>
        `${stage.name} from ${stage.from.join(' and ')}, ${busy(stage)}`)
        .join('; ');
}
