
/*
 * imgp_s3.c: the answers of Amazon's reference, of MinIO and of s3rver, and
 * what is no such answer, cut anywhere.
 */


#include "imgp_test.h"
#include "imgp_fixture.h"
#include <imgp/imgp_s3.h>


#define XML    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
#define NS     " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""
#define BEGUN  "InitiateMultipartUploadResult"
#define ENDED  "CompleteMultipartUploadResult"


typedef struct {
    const char  *xml;
    const char  *text;                /* NULL: "rc" tells */
    imgp_int_t   rc;
} test_text_t;


static const test_text_t  texts[] = {
    { XML "\n<" BEGUN NS ">\n  <Bucket>b</Bucket>\n  <Key>k</Key>\n"
      "  <UploadId>VXBs-b2Fk~IElE</UploadId>\n</" BEGUN ">",
      "VXBs-b2Fk~IElE", 0 },
    { "<" BEGUN "><UploadId>a&amp;b&#x3c;&#62;&quot;&apos;</UploadId></" BEGUN
      ">", "a&b<>\"'", 0 },
    { "\xef\xbb\xbf \r\n<" BEGUN " a='>' b=\">\"><A><UploadId>no</UploadId></A>"
      "<B/><!-- <UploadId>no</UploadId> --><UploadId >yes</UploadId></" BEGUN
      " >", "yes", 0 },
    { "<" BEGUN "><UploadId></UploadId></" BEGUN ">", "", 0 },
    { "<" BEGUN "><Key>k</Key></" BEGUN ">", NULL, IMGP_DECLINED },
    { "<" BEGUN "/>", NULL, IMGP_DECLINED },
    { "<Error><UploadId>x</UploadId></Error>", NULL, IMGP_DECLINED },
    { "<html><body>hello</body></html>", NULL, IMGP_DECLINED },
    { "<" BEGUN "><UploadId>x</UploadId></Error>", NULL, IMGP_ERROR },
    { "<" BEGUN "><UploadId>x</Key></" BEGUN ">", NULL, IMGP_ERROR },
    { "<" BEGUN "><UploadId>&what;</UploadId></" BEGUN ">", NULL, IMGP_ERROR },
    { "<" BEGUN "><UploadId>&#0;</UploadId></" BEGUN ">", NULL, IMGP_ERROR },
    { "<" BEGUN "><UploadId>&#;</UploadId></" BEGUN ">", "", IMGP_ERROR },
    { "<" BEGUN "><UploadId>&#x;</UploadId></" BEGUN ">", NULL, IMGP_ERROR },
    { "<" BEGUN "><UploadId>&#xe4;</UploadId></" BEGUN ">", NULL, IMGP_ERROR },
    { "<" BEGUN "><UploadId>&amp</UploadId></" BEGUN ">", NULL, IMGP_ERROR },
    { "<" BEGUN "><UploadId><![CDATA[x]]></UploadId></" BEGUN ">", NULL,
      IMGP_ERROR },
    { "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><" BEGUN "/>",
      NULL, IMGP_ERROR },
    { "<a><a><a><a><a><a><a><a><a>", NULL, IMGP_DECLINED },
    { "<" BEGUN "><a><a><a><a><a><a><a><a><a>", NULL, IMGP_ERROR },
    { "</" BEGUN ">", NULL, IMGP_ERROR },
    { "text", NULL, IMGP_ERROR },
    { "<>", NULL, IMGP_ERROR },
    { "<!-- -->", NULL, IMGP_ERROR },
    { "<?xml", NULL, IMGP_ERROR },
    { "", NULL, IMGP_ERROR }
};


/* a copy, so that no byte behind it may be looked at */

static imgp_int_t
text_of(const char *xml, size_t len, const char *root, const char *child,
    char *text)
{
    imgp_int_t  rc;
    imgp_str_t  s;

    s.data = malloc(len + !len);
    s.len = len;
    memcpy(s.data, xml, len);

    rc = imgp_s3_text(&s, root, child, text);

    free(s.data);

    return rc;
}


static void
answers(void)
{
    char        text[IMGP_S3_TEXT_MAX + 1];
    size_t      i, n, len;
    unsigned    odd;
    imgp_int_t  rc;

    for (i = 0; i < imgp_nelts(texts); i++) {
        len = strlen(texts[i].xml);
        rc = text_of(texts[i].xml, len, BEGUN, "UploadId", text);

        if (texts[i].rc == 0) {
            ok(rc == IMGP_OK && strcmp(text, texts[i].text) == 0, "%s",
               texts[i].xml);

        } else {
            is_int(rc, texts[i].rc, "%s", texts[i].xml);
        }

        for (n = 0, odd = 0; n < len; n++) {
            odd += text_of(texts[i].xml, n, BEGUN, "UploadId", text)
                   == IMGP_OK;
        }

        is_int(odd, 0, "... is nothing when it is cut");
    }
}


static void
long_ones(void)
{
    char        text[IMGP_S3_TEXT_MAX + 1], xml[4096];
    size_t      n;
    imgp_int_t  rc;

    for (n = IMGP_S3_TEXT_MAX; n <= IMGP_S3_TEXT_MAX + 1; n++) {
        snprintf(xml, sizeof(xml), "<%s><UploadId>%0*d</UploadId></%s>", BEGUN,
                 (int) n, 0, BEGUN);

        rc = text_of(xml, strlen(xml), BEGUN, "UploadId", text);

        is_int(rc, n == IMGP_S3_TEXT_MAX ? IMGP_OK : IMGP_ERROR,
               "an id of %lu bytes", (unsigned long) n);
    }
}


static void
completed(void)
{
    size_t        i;
    imgp_str_t    xml;
    imgp_error_t  err;

    static const struct {
        const char   *xml;
        imgp_error_e  code;
    } cases[] = {
        { " \n  \n" XML "<" ENDED NS "><ETag>&quot;a-2&quot;</ETag></" ENDED
          ">", IMGP_E_NONE },
        { XML "\n<Error><Code>InternalError</Code></Error>",
          IMGP_E_SERVICE_BUSY },
        { XML "   \n<Error><Code>SlowDown</Code></Error>",
          IMGP_E_SERVICE_BUSY },
        { "<Error><Code>InvalidPart</Code><Message>x</Message></Error>",
          IMGP_E_SERVICE_REFUSED },
        { "<Error><Message>x</Message></Error>", IMGP_E_SERVICE_REPLY },
        { "<" ENDED "></" ENDED ">", IMGP_E_SERVICE_REPLY },
        { "<" ENDED "><ETag>x</ETag>", IMGP_E_SERVICE_REPLY },
        { "", IMGP_E_SERVICE_REPLY }
    };

    for (i = 0; i < imgp_nelts(cases); i++) {
        memset(&err, 0, sizeof(err));
        xml = fix_str(cases[i].xml);

        ok((imgp_s3_completed(&xml, &err) == IMGP_OK)
           == (cases[i].code == IMGP_E_NONE)
           && err.code == cases[i].code, "%s", cases[i].xml);
    }
}


static void
written(void)
{
    char        *text;
    u_char       out[64];
    size_t       len;
    imgp_str_t   etags[2];

    etags[0] = fix_str("\"abc\"");
    etags[1] = fix_str("<&>");

    text = imgp_s3_complete(etags, 2, &len);

    is_str(text, "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
           "<ETag>&quot;abc&quot;</ETag></Part><Part><PartNumber>2"
           "</PartNumber><ETag>&lt;&amp;&gt;</ETag></Part>"
           "</CompleteMultipartUpload>", "parts are put together");
    is_int(len, strlen(text), "... of that length");
    free(text);

    imgp_s3_escape(out, (u_char *) "a-._~Z9/+ \xc3\xa4&=", 14);
    is_str((char *) out, "a-._~Z9%2F%2B%20%C3%A4%26%3D", "a value of a query");
}


static void
sizes(void)
{
    size_t    i;
    uint64_t  size;
    unsigned  odd;

    static const uint64_t  lens[] = {
        1, IMGP_S3_WHOLE + 1, 160000ull << 20, (160000ull << 20) + 1,
        5ull << 40, ((uint64_t) IMGP_S3_PART * IMGP_S3_PARTS) - 1
    };

    for (i = 0, odd = 0; i < imgp_nelts(lens); i++) {
        size = imgp_s3_part_size(lens[i]);

        odd += size < IMGP_S3_PART || size % (1 << 20) != 0
               || (lens[i] + size - 1) / size > IMGP_S3_PARTS;
    }

    is_int(odd, 0, "no object has too many parts");
    is_int(imgp_s3_part_size(100 << 20), 16 << 20, "parts of 16 MB");
    is_int(imgp_s3_part_size(5ull << 40), 525ull << 20, "... and of 5 TB more");
}


int
main(void)
{
    answers();
    long_ones();
    completed();
    written();
    sizes();

    return done();
}
