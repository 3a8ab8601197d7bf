
/*
 * For tests that draw letters: fontconfig keeps what it has read of fonts until
 * the process ends, which is no leak of ours.
 */


#ifndef _IMGP_FONTS_H_INCLUDED_
#define _IMGP_FONTS_H_INCLUDED_


const char *__lsan_default_suppressions(void);


const char *
__lsan_default_suppressions(void)
{
    return "leak:libfontconfig\n";
}


#endif /* _IMGP_FONTS_H_INCLUDED_ */
