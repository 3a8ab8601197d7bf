/*
 * Elements, and how a new tree becomes the old one: elements are kept, by
 * "data-key" where they have one, and only what differs is changed.
 */

const SVG = 'http://www.w3.org/2000/svg';


/* an attribute of null or false is none; a child of them neither */

export function element(name, attributes, ...children) {
    return fill(document.createElement(name), attributes, children);
}


export function drawing(name, attributes, ...children) {
    return fill(document.createElementNS(SVG, name), attributes, children);
}


function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
        if (value !== null && value !== undefined && value !== false) {
            node.setAttribute(name, value === true ? '' : value);
        }
    }

    for (const child of children.flat()) {
        if (child !== null && child !== undefined && child !== false
            && child !== '')
        {
            node.append(child);
        }
    }

    return node;
}


export function merge(parent, children) {
    const wanted = children.filter(Boolean);
    const keyed = new Map();

    for (const child of parent.children) {
        if (child.dataset?.key) {
            keyed.set(child.dataset.key, child);
        }
    }

    wanted.forEach((next, i) => {
        const key = next.dataset?.key;
        const there = parent.childNodes[i];
        const old = key ? keyed.get(key) : there;

        if (!old || !alike(old, next)) {
            parent.insertBefore(next, there ?? null);
            return;
        }

        if (old !== there) {
            parent.insertBefore(old, there);
        }

        update(old, next);
    });

    while (parent.childNodes.length > wanted.length) {
        parent.lastChild.remove();
    }
}


function alike(old, next) {
    return old.nodeName === next.nodeName
           && old.dataset?.key === next.dataset?.key;
}


function update(old, next) {
    if (old.nodeType === Node.TEXT_NODE) {
        if (old.data !== next.data) {
            old.data = next.data;
        }

        return;
    }

    for (const {name} of [...old.attributes]) {
        if (!next.hasAttribute(name) && name !== 'open') {
            old.removeAttribute(name);
        }
    }

    for (const {name, value} of next.attributes) {
        if (old.getAttribute(name) !== value) {
            old.setAttribute(name, value);
        }
    }

    merge(old, [...next.childNodes]);
}
