
/*
 * Internet addresses that a stranger may make us connect to.
 */


#ifndef _IMGP_ADDR_H_INCLUDED_
#define _IMGP_ADDR_H_INCLUDED_


#include <imgp/imgp_types.h>


/*
 * Is it an address of the public internet?  Not: private, shared, loopback,
 * link-local, documentation, benchmarks, multicast, reserved, and the ways to
 * write one of these as IPv6.  Addresses in network order.
 */

imgp_uint_t imgp_addr_public4(const u_char addr[4]);
imgp_uint_t imgp_addr_public6(const u_char addr[16]);


#endif /* _IMGP_ADDR_H_INCLUDED_ */
