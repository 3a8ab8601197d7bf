
/*
 * imgp_sniff: the verdict on an input must be the same when it comes whole,
 * byte by byte, and cut where the input's own bytes say; a final verdict must
 * stay; the results must be consistent.
 */


#include <stdlib.h>
#include <imgp/imgp_sniff.h>


static imgp_int_t fuzz_end(imgp_sniff_t *s, imgp_int_t rc);
static void fuzz_check(const imgp_sniff_t *s, imgp_int_t rc);
static void fuzz_same(const imgp_sniff_t *a, const imgp_sniff_t *b);


int LLVMFuzzerTestOneInput(const u_char *p, size_t len);

int
LLVMFuzzerTestOneInput(const u_char *p, size_t len)
{
    size_t        i, n;
    imgp_int_t    rc, rc1, rc2;
    imgp_sniff_t  whole, bytes, cut;

    imgp_sniff_init(&whole);
    imgp_sniff_init(&bytes);
    imgp_sniff_init(&cut);

    rc = fuzz_end(&whole, imgp_sniff_feed(&whole, p, len));

    for (i = 0, rc1 = IMGP_AGAIN; i < len && rc1 == IMGP_AGAIN; i++) {
        rc1 = imgp_sniff_feed(&bytes, p + i, 1);
    }

    for (i = 0, rc2 = IMGP_AGAIN; i < len; i += n) {
        n = imgp_min(len - i, 1 + (size_t) (p[len - 1 - i] & 63));
        rc2 = imgp_sniff_feed(&cut, p + i, n);
    }

    rc1 = fuzz_end(&bytes, rc1);
    rc2 = fuzz_end(&cut, rc2);

    if (rc1 != rc || rc2 != rc) {
        abort();
    }

    fuzz_check(&whole, rc);
    fuzz_same(&whole, &bytes);
    fuzz_same(&whole, &cut);

    return 0;
}


static imgp_int_t
fuzz_end(imgp_sniff_t *s, imgp_int_t rc)
{
    imgp_int_t  end;

    end = imgp_sniff_end(s);

    if (end == IMGP_AGAIN || (rc != IMGP_AGAIN && end != rc)
        || imgp_sniff_feed(s, (u_char *) "\xff\xd8\xff", 3) != end
        || imgp_sniff_end(s) != end)
    {
        abort();
    }

    return end;
}


static void
fuzz_check(const imgp_sniff_t *s, imgp_int_t rc)
{
    if ((rc == IMGP_OK) != (s->type != NULL)
        || (rc == IMGP_ERROR) != (s->error.code == IMGP_E_BAD_IMAGE)
        || (s->width == 0) != (s->height == 0)
        || (rc != IMGP_OK && s->width != 0))
    {
        abort();
    }
}


static void
fuzz_same(const imgp_sniff_t *a, const imgp_sniff_t *b)
{
    if (a->type != b->type || a->width != b->width || a->height != b->height
        || a->error.code != b->error.code
        || strcmp(a->error.detail, b->error.detail) != 0)
    {
        abort();
    }
}
