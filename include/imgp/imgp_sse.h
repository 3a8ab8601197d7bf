
/*
 * A whole stream of server-sent events (WHATWG HTML, 9.2), event by event.
 */


#ifndef _IMGP_SSE_H_INCLUDED_
#define _IMGP_SSE_H_INCLUDED_


#include <imgp/imgp_types.h>


/*
 * The next event: OK, or DONE when there is no whole one left.  Its data's
 * lines are joined in place, which may spoil a name that stands between them;
 * "name" is empty for an event without.  Both are ranges of the text, and *rest
 * goes on behind the event.
 */

imgp_int_t imgp_sse_next(imgp_str_t *rest, imgp_str_t *name,
    imgp_str_t *data);


#endif /* _IMGP_SSE_H_INCLUDED_ */
