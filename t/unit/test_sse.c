
/*
 * Server-sent events: as Gradio sends them, the standard's own examples, and
 * streams that end anywhere.
 */


#include "imgp_test.h"
#include <imgp/imgp_sse.h>


static const char  *streams[][2] = {
    { "event: heartbeat\ndata: null\n\nevent: complete\ndata: [{\"a\": 1}]\n\n",
      "[heartbeat|null][complete|[{\"a\": 1}]]" },
    { "event: complete\r\ndata: x\r\n\r\n", "[complete|x]" },
    { "data: YHOO\ndata: +2\ndata: 10\n\n", "[|YHOO\n+2\n10]" },
    { ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\n"
      "data:  third event\n\n",
      "[|first event][|second event][| third event]" },
    { "data:\n\ndata:\ndata:\n\ndata:", "[|][|\n]" },
    { "event: a\n\ndata: b\n\n", "[|b]" },
    { "data: x\nevent: late\n\n", "[late|x]" },
    { "event: a\ndata: cut", "" },
    { "event: a\ndata: cut\n", "" },
    { "dataset: x\nretry: 10\n\n\n\n", "" },
    { "", "" }
};


int
main(void)
{
    char         text[256], *copy;
    size_t       i, n, len;
    imgp_str_t   rest, name, data;

    for (i = 0; i < imgp_nelts(streams); i++) {
        len = strlen(streams[i][0]);
        copy = malloc(len + !len);
        memcpy(copy, streams[i][0], len);
        rest.data = (u_char *) copy;
        rest.len = len;
        text[0] = '\0';

        while (imgp_sse_next(&rest, &name, &data) == IMGP_OK) {
            n = strlen(text);
            snprintf(text + n, sizeof(text) - n, "[%.*s|%.*s]",
                     (int) name.len, (char *) name.data,
                     (int) data.len, (char *) data.data);
        }

        is_str(text, streams[i][1], "stream %lu", (unsigned long) i);
        free(copy);
    }

    return done();
}
