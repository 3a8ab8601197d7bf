
/*
 * The deflater.  Called by imgp_png_write.c on the run's thread; all memory
 * is the run's.
 *
 * Data is taken in chunks.  Of each the runs are found (imgp_lz_runs.c),
 * which is all there is in most filtered photographs; then it is tried on a
 * part of it whether copies from the window (imgp_lz.c) save anything, as
 * they do in drawings, screenshots and texts.  Where they do, the chunk gets
 * them.  Where they do not, the next trials become rarer, so that photographs
 * are not slowed down, and a drawing in the midst of one is not missed.
 *
 * A chunk joins the block of those before it if both cost less with one code
 * than with two: so blocks end where the picture changes.
 */


#include <imgp/imgp_deflate.h>
#include <imgp/imgp_block.h>
#include <imgp/imgp_checksum.h>
#include <imgp/imgp_lz.h>


#define IMGP_DEFLATE_SAMPLE   2048    /* literals that copies are tried on */
#define IMGP_DEFLATE_PAYS     64      /* if they save one part of so many; */
#define IMGP_DEFLATE_RICH     10      /* look closer from so much on */
#define IMGP_DEFLATE_PAUSE    7       /* chunks between trials, at most */
#define IMGP_DEFLATE_FEW      1024    /* literals: trying again costs little */
#define IMGP_DEFLATE_BLANK    64      /* literals: as good as empty */
#define IMGP_DEFLATE_PURE     512     /* all was so much smaller so far */
#define IMGP_DEFLATE_NOISE    99      /* percent of its bytes */
#define IMGP_DEFLATE_GUESS    512     /* bytes for one copy of each kind */

#define IMGP_DEFLATE_LITERALS (4 * IMGP_LZ_CHUNK)     /* of a block */
#define IMGP_DEFLATE_SEQS     (4 * IMGP_LZ_SEQS)


typedef struct {
    imgp_lz_chunk_t      chunk;
    imgp_block_stat_t    stat;
    uint64_t             cost;
} imgp_deflate_parse_t;


struct imgp_deflate_s {
    imgp_work_t         *work;
    imgp_deflate_pt      write;
    void                *data;

    uint64_t             pos;         /* of the chunk */
    uint32_t             n;           /* bytes in the chunk so far */
    uint32_t             adler;

    uint64_t             spent;       /* bytes written */

    imgp_uint_t          copies;      /* the last chunk had some */
    imgp_uint_t          warm;        /* any chunk had */
    imgp_block_stat_t    copied;      /* those that had, of late */
    uint32_t             pause;       /* chunks to the next trial */
    uint32_t             pauses;      /* how many it was the last time */

    imgp_block_t         block;
    imgp_block_stat_t    stat;
    imgp_block_out_t     out;

    imgp_lz_t            lz;
    imgp_block_seq_t     runs[IMGP_LZ_SEQS];
    imgp_block_seq_t     matches[IMGP_LZ_SEQS];
    imgp_block_seq_t     sample[IMGP_LZ_SEQS];
    imgp_block_seq_t     seqs[IMGP_DEFLATE_SEQS];
    u_char               literals[IMGP_DEFLATE_LITERALS];
    u_char               window[IMGP_BLOCK_WINDOW + IMGP_LZ_CHUNK];
    u_char               bytes[imgp_block_room(IMGP_DEFLATE_LITERALS,
                                               IMGP_DEFLATE_SEQS)];
};


static imgp_int_t imgp_deflate_chunk(imgp_deflate_t *d, imgp_uint_t last);
static void imgp_deflate_plain(imgp_deflate_parse_t *parse);
static void imgp_deflate_slide(imgp_deflate_t *d, uint32_t n);
static void imgp_deflate_runs(imgp_deflate_parse_t *runs, imgp_uint_t last);
static void imgp_deflate_count(imgp_deflate_parse_t *parse);
static imgp_uint_t imgp_deflate_due(imgp_deflate_t *d,
    const imgp_lz_chunk_t *runs);
static void imgp_deflate_failed(imgp_deflate_t *d,
    const imgp_lz_chunk_t *runs);
static imgp_uint_t imgp_deflate_copies(imgp_deflate_t *d,
    imgp_deflate_parse_t *copies, const imgp_deflate_parse_t *runs,
    imgp_uint_t last);
static void imgp_deflate_begin(imgp_deflate_t *d,
    imgp_deflate_parse_t *copies, const imgp_deflate_parse_t *runs,
    const imgp_block_stat_t *expected);
static void imgp_deflate_match(imgp_deflate_t *d,
    imgp_deflate_parse_t *copies, imgp_uint_t last);
static void imgp_deflate_expect(imgp_deflate_t *d,
    const imgp_deflate_parse_t *runs, imgp_block_stat_t *expected);
static imgp_uint_t imgp_deflate_sample(imgp_deflate_t *d,
    imgp_deflate_parse_t *copies, const imgp_lz_chunk_t *runs);
static imgp_uint_t imgp_deflate_pays(const imgp_deflate_parse_t *copies,
    const imgp_deflate_parse_t *runs);
static imgp_uint_t imgp_deflate_poor(const imgp_deflate_parse_t *copies,
    const imgp_deflate_parse_t *runs);
static void imgp_deflate_learn(imgp_deflate_t *d,
    const imgp_block_stat_t *stat);
static imgp_int_t imgp_deflate_append(imgp_deflate_t *d,
    const imgp_deflate_parse_t *parse);
static imgp_uint_t imgp_deflate_joins(imgp_deflate_t *d,
    const imgp_deflate_parse_t *parse);
static imgp_int_t imgp_deflate_block(imgp_deflate_t *d, imgp_uint_t last);


imgp_deflate_t *
imgp_deflate_create(imgp_work_t *work, imgp_deflate_pt write, void *data)
{
    imgp_deflate_t  *d;

    d = imgp_work_alloc(work, sizeof(imgp_deflate_t));
    if (d == NULL) {
        return NULL;
    }

    /* most of it is written before it is read, and some never touched */

    memset(d, 0, offsetof(imgp_deflate_t, lz));
    imgp_lz_init(&d->lz);

    d->work = work;
    d->write = write;
    d->data = data;
    d->adler = 1;
    d->out.p = d->bytes;
    d->block.seqs = d->seqs;
    d->block.literals = d->literals;

    *d->out.p++ = 0x78;               /* RFC 1950: deflate, 32 KiB; */
    *d->out.p++ = 0xda;               /* no dictionary, slowest (a hint) */

    return d;
}


void
imgp_deflate_free(imgp_deflate_t *d)
{
    if (d != NULL) {
        imgp_work_free(d->work, d);
    }
}


imgp_int_t
imgp_deflate_write(imgp_deflate_t *d, const u_char *p, size_t n)
{
    size_t  k;

    d->adler = imgp_checksum_adler32(d->adler, p, n);

    while (n > 0) {

        if (d->n == IMGP_LZ_CHUNK && imgp_deflate_chunk(d, 0) != IMGP_OK) {
            return IMGP_ERROR;
        }

        k = imgp_min(n, IMGP_LZ_CHUNK - d->n);

        memcpy(d->window + IMGP_BLOCK_WINDOW + d->n, p, k);

        d->n += k;
        p += k;
        n -= k;
    }

    return IMGP_OK;
}


imgp_int_t
imgp_deflate_finish(imgp_deflate_t *d)
{
    uint32_t  i;

    while (d->n > 0) {
        if (imgp_deflate_chunk(d, 1) != IMGP_OK) {
            return IMGP_ERROR;
        }
    }

    if (imgp_deflate_block(d, 1) != IMGP_OK) {
        return IMGP_ERROR;
    }

    imgp_block_align(&d->out);

    for (i = 0; i < 4; i++) {
        *d->out.p++ = d->adler >> (24 - 8 * i);
    }

    return d->write(d->data, d->bytes, d->out.p - d->bytes);
}


static imgp_int_t
imgp_deflate_chunk(imgp_deflate_t *d, imgp_uint_t last)
{
    imgp_int_t             rc;
    imgp_deflate_parse_t   runs, copies, *best;

    imgp_lz_chunk(&runs.chunk, d->runs, d->window + IMGP_BLOCK_WINDOW, d->n,
                  d->pos);
    imgp_deflate_runs(&runs, last);

    best = &runs;

    if (imgp_deflate_due(d, &runs.chunk)) {

        if (imgp_deflate_copies(d, &copies, &runs, last)) {
            imgp_deflate_learn(d, &copies.stat);
            best = &copies;

        } else {
            imgp_deflate_failed(d, &runs.chunk);
        }
    }

    d->copies = (best == &copies);

    if (best->cost > (uint64_t) best->chunk.n * 8 * IMGP_BLOCK_BIT
                     * IMGP_DEFLATE_NOISE / 100)
    {
        imgp_deflate_plain(best);
    }

    rc = imgp_deflate_append(d, best);

    imgp_deflate_slide(d, best->chunk.n);

    return rc;
}


/* noise: of any number of chunks, if it is without copies, it is stored */

static void
imgp_deflate_plain(imgp_deflate_parse_t *parse)
{
    imgp_lz_chunk_t  *chunk;

    chunk = &parse->chunk;

    imgp_lz_chunk(chunk, chunk->seqs, chunk->p, chunk->n, chunk->pos);
    imgp_lz_end(chunk);
    imgp_deflate_count(parse);
}


static void
imgp_deflate_slide(imgp_deflate_t *d, uint32_t n)
{
    memmove(d->window, d->window + n, IMGP_BLOCK_WINDOW + d->n - n);

    d->pos += n;
    d->n -= n;
}


static void
imgp_deflate_runs(imgp_deflate_parse_t *runs, imgp_uint_t last)
{
    uint32_t  n;

    imgp_lz_runs(&runs->chunk, last);
    imgp_deflate_count(runs);

    n = runs->chunk.nseqs;
    imgp_lz_weigh(&runs->chunk, &runs->stat);

    if (runs->chunk.nseqs != n) {
        imgp_deflate_count(runs);
    }
}


static void
imgp_deflate_count(imgp_deflate_parse_t *parse)
{
    memset(&parse->stat, 0, sizeof(imgp_block_stat_t));

    imgp_block_count(&parse->stat, parse->chunk.p, parse->chunk.seqs,
                     parse->chunk.nseqs);

    parse->cost = imgp_block_cost(&parse->stat);
}


static imgp_uint_t
imgp_deflate_due(imgp_deflate_t *d, const imgp_lz_chunk_t *runs)
{
    if (d->pause > 0) {
        d->pause--;
        return 0;
    }

    /* blank: only in pictures where there is nothing else to save */

    return imgp_lz_reach(runs, IMGP_DEFLATE_BLANK) < runs->n
           || d->spent <= d->pos / IMGP_DEFLATE_PURE;
}


static void
imgp_deflate_failed(imgp_deflate_t *d, const imgp_lz_chunk_t *runs)
{
    uint32_t  most;

    most = IMGP_DEFLATE_PAUSE;

    if (imgp_lz_reach(runs, IMGP_DEFLATE_FEW) == runs->n) {
        most = 1;
    }

    d->pauses = (d->pos == 0) ? 0 : imgp_min(2 * d->pauses + 1, most);
    d->pause = d->pauses;
}


/* do they pay? */

static imgp_uint_t
imgp_deflate_copies(imgp_deflate_t *d, imgp_deflate_parse_t *copies,
    const imgp_deflate_parse_t *runs, imgp_uint_t last)
{
    imgp_block_stat_t  expected;

    imgp_deflate_expect(d, runs, &expected);
    imgp_deflate_begin(d, copies, runs, &expected);

    /* all of the first chunk: what its beginning copies is not there yet */

    if (!d->copies && d->pos != 0
        && !imgp_deflate_sample(d, copies, &runs->chunk))
    {
        return 0;
    }

    imgp_deflate_match(d, copies, last);

    /* the first prices were guessed; so once more, by what came of them */

    if (!d->warm && copies->cost < runs->cost) {
        expected = copies->stat;

        imgp_lz_init(&d->lz);
        d->lz.light = imgp_deflate_poor(copies, runs);
        imgp_deflate_begin(d, copies, runs, &expected);
        imgp_deflate_match(d, copies, last);
    }

    d->lz.light = imgp_deflate_poor(copies, runs);

    return imgp_deflate_pays(copies, runs);
}


static void
imgp_deflate_begin(imgp_deflate_t *d, imgp_deflate_parse_t *copies,
    const imgp_deflate_parse_t *runs, const imgp_block_stat_t *expected)
{
    imgp_lz_chunk(&copies->chunk, d->matches, runs->chunk.p, runs->chunk.n,
                  d->pos);
    imgp_lz_prices(&d->lz, &copies->chunk, expected);
}


static void
imgp_deflate_match(imgp_deflate_t *d, imgp_deflate_parse_t *copies,
    imgp_uint_t last)
{
    imgp_lz_matches(&d->lz, &copies->chunk, copies->chunk.n);

    if (!last) {
        imgp_lz_shorten(&copies->chunk);
    }

    imgp_lz_end(&copies->chunk);
    imgp_deflate_count(copies);
}


static void
imgp_deflate_expect(imgp_deflate_t *d, const imgp_deflate_parse_t *runs,
    imgp_block_stat_t *expected)
{
    uint32_t  i, n;

    *expected = d->copied;            /* without any, all of it is 0 */
    n = 0;

    if (!d->warm) {
        memcpy(expected->codes, runs->stat.codes, sizeof(expected->codes));
        n = runs->chunk.n / IMGP_DEFLATE_GUESS;
    }

    for (i = IMGP_BLOCK_LENGTHS; i < IMGP_BLOCK_CODES; i++) {
        expected->codes[i] += n;
    }

    for (i = 0; i < IMGP_BLOCK_DISTANCES; i++) {
        expected->distances[i] += runs->stat.distances[i] + n;
    }
}


static imgp_uint_t
imgp_deflate_sample(imgp_deflate_t *d, imgp_deflate_parse_t *copies,
    const imgp_lz_chunk_t *runs)
{
    imgp_deflate_parse_t  some, plain;

    imgp_lz_matches(&d->lz, &copies->chunk,
                    imgp_lz_reach(runs, IMGP_DEFLATE_SAMPLE));

    if (copies->chunk.at == copies->chunk.n) {
        return 1;                     /* that was all */
    }

    some.chunk = copies->chunk;
    some.chunk.n = copies->chunk.at;

    imgp_lz_end(&some.chunk);
    imgp_deflate_count(&some);

    imgp_lz_chunk(&plain.chunk, d->sample, runs->p, some.chunk.n, d->pos);
    imgp_deflate_runs(&plain, 1);

    return imgp_deflate_pays(&some, &plain);
}


static imgp_uint_t
imgp_deflate_pays(const imgp_deflate_parse_t *copies,
    const imgp_deflate_parse_t *runs)
{
    return copies->cost < runs->cost - runs->cost / IMGP_DEFLATE_PAYS;
}


static imgp_uint_t
imgp_deflate_poor(const imgp_deflate_parse_t *copies,
    const imgp_deflate_parse_t *runs)
{
    return copies->cost > runs->cost - runs->cost / IMGP_DEFLATE_RICH;
}


/* the mean of this chunk and of those before, which count ever less */

static void
imgp_deflate_learn(imgp_deflate_t *d, const imgp_block_stat_t *stat)
{
    uint32_t  i;

    for (i = 0; i < IMGP_BLOCK_CODES; i++) {
        d->copied.codes[i] = (d->copied.codes[i] + stat->codes[i]) / 2;
    }

    for (i = 0; i < IMGP_BLOCK_DISTANCES; i++) {
        d->copied.distances[i] = (d->copied.distances[i]
                                  + stat->distances[i]) / 2;
    }

    d->warm = 1;
    d->pauses = 0;
}


static imgp_int_t
imgp_deflate_append(imgp_deflate_t *d, const imgp_deflate_parse_t *parse)
{
    uint32_t                 i;
    const u_char            *p;
    const imgp_lz_chunk_t   *chunk;
    const imgp_block_seq_t  *seq;

    chunk = &parse->chunk;

    if (!imgp_deflate_joins(d, parse) && imgp_deflate_block(d, 0) != IMGP_OK) {
        return IMGP_ERROR;
    }

    imgp_block_add(&d->stat, &parse->stat);

    memcpy(d->seqs + d->block.nseqs, chunk->seqs,
           chunk->nseqs * sizeof(imgp_block_seq_t));

    d->block.nseqs += chunk->nseqs;
    d->block.bytes += chunk->n;

    p = chunk->p;

    for (i = 0; i < chunk->nseqs; i++) {
        seq = &chunk->seqs[i];

        memcpy(d->literals + d->block.nliterals, p, seq->literals);
        d->block.nliterals += seq->literals;
        p += seq->literals + seq->length;
    }

    return IMGP_OK;
}


static imgp_uint_t
imgp_deflate_joins(imgp_deflate_t *d, const imgp_deflate_parse_t *parse)
{
    imgp_block_stat_t  both;

    if (d->block.nseqs == 0) {
        return 1;
    }

    if (d->block.nseqs + parse->chunk.nseqs > IMGP_DEFLATE_SEQS
        || d->block.nliterals + parse->chunk.n > IMGP_DEFLATE_LITERALS)
    {
        return 0;
    }

    both = d->stat;
    imgp_block_add(&both, &parse->stat);

    return imgp_block_cost(&both) + imgp_block_head_cost(&both)
           <= imgp_block_cost(&d->stat) + imgp_block_head_cost(&d->stat)
              + parse->cost + imgp_block_head_cost(&parse->stat);
}


static imgp_int_t
imgp_deflate_block(imgp_deflate_t *d, imgp_uint_t last)
{
    imgp_int_t  rc;

    d->block.last = last;
    d->block.raw = NULL;

    if (d->block.bytes <= IMGP_BLOCK_WINDOW) {
        d->block.raw = d->window + IMGP_BLOCK_WINDOW - d->block.bytes;

    } else if (d->block.nliterals == d->block.bytes) {
        d->block.raw = d->literals;
    }

    imgp_block_write(&d->out, &d->block, &d->stat);
    d->spent += d->out.p - d->bytes;

    memset(&d->stat, 0, sizeof(imgp_block_stat_t));
    d->block.nseqs = 0;
    d->block.nliterals = 0;
    d->block.bytes = 0;

    if (last) {
        return IMGP_OK;               /* a few bytes will follow */
    }

    rc = d->write(d->data, d->bytes, d->out.p - d->bytes);
    d->out.p = d->bytes;

    return rc;
}
