
/*
 * What the load client is told: options, the adapter that tells how a server
 * wants its uploads, and the images, kept in memory.  Called once, at start.
 */


#define _GNU_SOURCE

#include "load.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>


static void load_adapter(load_adapter_t *a, const char *name);
static int load_jpegs(const struct dirent *entry);
static void load_images(load_t *l, const char *dir);
static void load_address(load_t *l, char *text);


static void
load_adapter(load_adapter_t *a, const char *name)
{
    char          line[600], *value;
    FILE         *file;
    size_t        n;
    unsigned      i;

    struct { const char *name; char *value; size_t size; }  keys[] = {
        { "upload_path", a->path, sizeof(a->path) },
        { "style", a->style, sizeof(a->style) },
        { "field", a->field, sizeof(a->field) },
        { "job_key", a->job_key, sizeof(a->job_key) },
        { "ver_key", a->ver_key, sizeof(a->ver_key) },
        { "lp_path", a->lp_path, sizeof(a->lp_path) },
        { "done", a->done, sizeof(a->done) },
        { "fail", a->fail, sizeof(a->fail) },
        { "hit", a->hit, sizeof(a->hit) },
    };

    file = fopen(name, "r");
    if (file == NULL) {
        load_die("%s: %s", name, strerror(errno));
    }

    while (fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\r\n")] = '\0';
        value = strchr(line, '=');

        if (line[0] == '#' || value == NULL) {
            continue;
        }

        *value++ = '\0';

        if (strcmp(line, "header") == 0) {
            n = strlen(a->headers);
            snprintf(a->headers + n, sizeof(a->headers) - n, "%s\r\n",
                     value);
            continue;
        }

        for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
            if (strcmp(line, keys[i].name) == 0) {
                snprintf(keys[i].value, keys[i].size, "%s", value);
            }
        }
    }

    fclose(file);
}


static int
load_jpegs(const struct dirent *entry)
{
    return strstr(entry->d_name, ".jpg") != NULL;
}


static void
load_images(load_t *l, const char *dir)
{
    int             i, n, fd;
    char            name[1024], *mark;
    struct stat     st;
    load_image_t   *im;
    struct dirent **list;

    n = scandir(dir, &list, load_jpegs, alphasort);

    for (i = 0; i < n && i < LOAD_IMAGES; i++) {
        im = &l->images[i];
        snprintf(name, sizeof(name), "%s/%s", dir, list[i]->d_name);

        fd = open(name, O_RDONLY);
        if (fd == -1 || fstat(fd, &st) == -1) {
            load_die("%s: %s", name, strerror(errno));
        }

        im->len = (size_t) st.st_size;
        im->data = load_alloc(im->len);

        if (read(fd, im->data, im->len) != st.st_size) {
            load_die("%s: %s", name, strerror(errno));
        }

        close(fd);

        mark = memmem(im->data, im->len, LOAD_MARK, LOAD_MARK_LEN);
        if (mark == NULL) {
            load_die("%s has no place for an id", name);
        }

        im->mark = (size_t) (mark - im->data);
    }

    l->nimages = i;

    if (l->nimages <= 0) {
        load_die("no images in %s", dir);
    }
}


static void
load_address(load_t *l, char *text)
{
    char  *port;

    port = strrchr(text, ':');

    if (port == NULL || strncmp(text, "127.0.0.1:", 10) != 0) {
        load_die("-u must be 127.0.0.1:PORT");
    }

    l->addr.sin_family = AF_INET;
    l->addr.sin_port = htons((uint16_t) atoi(port + 1));
    l->addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}


void
load_options(load_t *l, int argc, char **argv)
{
    int  option;

    while ((option = getopt(argc, argv, "u:a:i:p:c:n:d:w:T:x:k:g:P:f:s:")) != -1)
    {
        switch (option) {

        case 'u':
            load_address(l, optarg);
            break;

        case 'a':
            load_adapter(&l->adapter, optarg);
            break;

        case 'i':
            load_images(l, optarg);
            break;

        case 'p':
            snprintf(l->path, sizeof(l->path), "%s", optarg);
            break;

        case 'c':
            l->clients = atoi(optarg);
            break;

        case 'n':
            l->requests = atol(optarg);
            break;

        case 'd':
            l->seconds = atof(optarg);
            break;

        case 'w':
            l->warm = atof(optarg);
            break;

        case 'T':
            l->limit = atof(optarg);
            break;

        case 'x':
            l->fixed = atol(optarg) + 1;
            break;

        case 'k':
            l->cancels = atol(optarg);
            break;

        case 'g':
            l->gap = atof(optarg) / 1e3;
            break;

        case 'P':
            l->pause = atof(optarg);
            break;

        case 's':
            l->port = atoi(optarg);
            break;

        case 'f':
            if (strcmp(optarg, "lp") != 0) {
                load_die("-f %s: long-polls are all it knows", optarg);
            }

            break;

        default:
            exit(2);
        }
    }
}
