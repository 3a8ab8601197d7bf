
/*
 * Answers of services that finish later: the real forms of Replicate, fal,
 * Gradio and plain 202, and answers that lead nowhere.
 */


#include "imgp_test.h"
#include <imgp/imgp_poll.h>


static imgp_pool_t         *pool;
static imgp_poll_t          conf;
static imgp_poll_answer_t   answer;
static imgp_error_t         err;
static char                 body[1024];


static void
pointer(imgp_take_t *take, const char *text)
{
    imgp_error_t  why;

    take->kind = IMGP_TAKE_JSON;
    take->text.data = (u_char *) text;
    take->text.len = strlen(text);
    take->pointer = imgp_pointer_parse(pool, &take->text, &why);
}


static void
values(imgp_str_t *list, imgp_uint_t *n, const char *text)
{
    list[*n].data = (u_char *) text;
    list[*n].len = strlen(text);
    (*n)++;
}


static imgp_int_t
look(imgp_uint_t first, imgp_uint_t status, const char *type,
    const char *location, const char *text)
{
    strcpy(body, text);

    answer.first = first;
    answer.status = status;
    answer.type.data = (u_char *) type;
    answer.type.len = strlen(type);
    answer.location.data = (u_char *) location;
    answer.location.len = strlen(location);
    answer.body.data = (u_char *) body;
    answer.body.len = strlen(body);

    memset(&err, 0, sizeof(err));

    return imgp_poll(&conf, &answer, pool, &err);
}


static void
is_at(imgp_poll_verdict_e verdict, const char *url, const char *what)
{
    ok(answer.verdict == verdict && answer.url.len == strlen(url)
       && memcmp(answer.url.data, url, answer.url.len) == 0,
       "%s: %.*s", what, (int) answer.url.len, (char *) answer.url.data);
}


static void
is_document(const char *document, const char *what)
{
    ok(answer.verdict == IMGP_POLL_DONE
       && answer.document.len == strlen(document)
       && memcmp(answer.document.data, document, answer.document.len) == 0,
       "%s", what);
}


static void
begin(void)
{
    memset(&conf, 0, sizeof(conf));
    memset(&answer, 0, sizeof(answer));
}


static void
replicate(void)
{
    begin();
    pointer(&conf.url, "/urls/get");
    pointer(&conf.status, "/status");
    values(conf.done, &conf.ndone, "succeeded");
    values(conf.failed, &conf.nfailed, "failed");
    values(conf.failed, &conf.nfailed, "canceled");

    ok(look(1, 201, "application/json", "", "{\"id\": \"x\", \"status\": "
            "\"starting\", \"urls\": {\"get\": \"https://a/p/x\"}}")
       == IMGP_OK, "Replicate: accepted");
    is_at(IMGP_POLL_AGAIN, "https://a/p/x", "... asked again");

    ok(look(0, 200, "application/json", "", "{\"status\": \"processing\"}")
       == IMGP_OK, "... processing");
    is_at(IMGP_POLL_AGAIN, "https://a/p/x", "... at the same address");

    ok(look(0, 200, "", "", "{\"status\": \"succeeded\", \"output\": 1}")
       == IMGP_OK, "... succeeded");
    is_document("{\"status\": \"succeeded\", \"output\": 1}", "... this");

    ok(look(0, 200, "", "", "{\"status\": \"canceled\"}") == IMGP_ERROR
       && err.code == IMGP_E_SERVICE_REFUSED, "... or not: %s", err.detail);
    ok(look(0, 200, "", "", "{\"detail\": \"sk-1\"}") == IMGP_ERROR
       && err.code == IMGP_E_SERVICE_REPLY, "no status: %s", err.detail);
    ok(look(0, 200, "", "", "<html>") == IMGP_ERROR
       && err.code == IMGP_E_SERVICE_REPLY, "no JSON: %s", err.detail);

    memset(&answer, 0, sizeof(answer));
    ok(look(1, 200, "", "", "{\"status\": \"succeeded\"}") == IMGP_OK,
       "at once");
    is_document("{\"status\": \"succeeded\"}", "... this");
    ok(look(1, 200, "", "", "{\"status\": \"starting\"}") == IMGP_ERROR,
       "no address: %s", err.detail);
}


static void
fal(void)
{
    begin();
    pointer(&conf.url, "/status_url");
    pointer(&conf.status, "/status");
    pointer(&conf.result, "/response_url");
    pointer(&conf.cancel, "/cancel_url");
    values(conf.done, &conf.ndone, "COMPLETED");

    ok(look(1, 200, "", "", "{\"request_id\": \"1\", \"status_url\": "
            "\"https://q/s\", \"response_url\": \"https://q/r\", "
            "\"cancel_url\": \"https://q/c\"}")
       == IMGP_OK, "fal: accepted");
    is_at(IMGP_POLL_AGAIN, "https://q/s", "... asked for its status");
    ok(look(0, 202, "", "", "{\"status\": \"IN_QUEUE\"}") == IMGP_OK,
       "... queued");
    is_at(IMGP_POLL_AGAIN, "https://q/s", "... again");
    ok(look(0, 200, "", "", "{\"status\": \"COMPLETED\"}") == IMGP_OK,
       "... completed");
    is_at(IMGP_POLL_RESULT, "https://q/r", "... the result is elsewhere");
    ok(imgp_str_is(&answer.cancel, "https://q/c"), "... to be canceled there");

    memset(&answer, 0, sizeof(answer));
    ok(look(0, 200, "", "", "{\"status\": \"COMPLETED\"}") == IMGP_ERROR,
       "nobody told where: %s", err.detail);
}


static void
accepted(void)
{
    begin();

    ok(look(1, 202, "text/plain", "/jobs/1", "") == IMGP_OK,
       "202 and Location");
    is_at(IMGP_POLL_AGAIN, "/jobs/1", "... asked there");
    ok(look(0, 202, "text/plain", "", "wait") == IMGP_OK, "... not yet");
    is_at(IMGP_POLL_AGAIN, "/jobs/1", "... again");
    ok(look(0, 303, "", "/results/1", "") == IMGP_OK, "... 303");
    is_at(IMGP_POLL_RESULT, "/results/1", "... the result");
    ok(look(0, 200, "image/png", "", "PNG") == IMGP_OK, "... or 200");
    is_document("PNG", "... the result itself");

    memset(&answer, 0, sizeof(answer));
    ok(look(1, 202, "", "", "") == IMGP_ERROR, "no Location: %s", err.detail);
    ok(look(0, 303, "", "", "") == IMGP_ERROR, "303 without: %s", err.detail);

    pointer(&conf.url, "/url");
    ok(look(1, 200, "", "", "{\"error\": 1}") == IMGP_ERROR
       && strstr(err.detail, "\"error\"") != NULL, "nowhere: %s", err.detail);
}


static void
gradio(void)
{
    begin();
    pointer(&conf.url, "/event_id");

    ok(look(1, 200, "application/json", "", "{\"event_id\": \"ab12\"}")
       == IMGP_OK, "Gradio: accepted");
    is_at(IMGP_POLL_AGAIN, "ab12", "... asked with its id");

    ok(look(0, 200, "text/event-stream; charset=utf-8", "",
            "event: heartbeat\ndata: null\n\nevent: generating\ndata: [0]\n\n"
            "event: complete\ndata: [{\"url\": \"x\"}]\n\n") == IMGP_OK,
       "... a stream");
    is_document("[{\"url\": \"x\"}]", "... its end");

    ok(look(0, 200, "text/event-stream", "",
            "event: error\ndata: null\n\n") == IMGP_ERROR
       && err.code == IMGP_E_SERVICE_REFUSED, "... or error: %s", err.detail);
    ok(look(0, 200, "text/event-stream", "",
            "event: heartbeat\ndata: null\n\n") == IMGP_ERROR
       && err.code == IMGP_E_SERVICE_REPLY, "... or neither: %s", err.detail);
}


int
main(void)
{
    pool = imgp_pool_create(&imgp_malloc, 1024);

    replicate();
    fal();
    accepted();
    gradio();

    imgp_pool_destroy(pool);

    return done();
}
