
/*
 * Files of the corpus of real pictures, for the tests of src/image that need
 * them; where the corpus is absent they do without and say so.
 */


#ifndef _IMGP_LOAD_H_INCLUDED_
#define _IMGP_LOAD_H_INCLUDED_


#include <stdio.h>
#include <stdlib.h>
#include "imgp_test.h"


/* to be freed; data NULL: not there */

__attribute__((unused))
static imgp_str_t
test_load(const char *name)
{
    long         len;
    char         path[1024];
    FILE        *f;
    imgp_str_t   s;

    memset(&s, 0, sizeof(s));

    snprintf(path, sizeof(path), "%s/%s",
             getenv("IMGP_CORPUS") ? getenv("IMGP_CORPUS")
                                   : "../shared/corpus", name);
    f = fopen(path, "rb");
    if (f == NULL) {
        return s;
    }

    fseek(f, 0, SEEK_END);
    len = ftell(f);
    rewind(f);

    s.data = malloc(len);
    s.len = fread(s.data, 1, len, f);
    fclose(f);

    return s;
}


#endif /* _IMGP_LOAD_H_INCLUDED_ */
