
/*
 * Which addresses are of the public internet, by IANA's registries of special
 * purpose addresses (RFC 6890 and what was added since).
 *
 * Called where an address comes from a service's answer, after it was
 * resolved and before it is connected to.  Pure functions, any thread.
 *
 * Of IPv6 only 2000::/3 is given out at all; what is special in it, or
 * carries an IPv4 address (6to4, Teredo, ISATAP), is excepted.
 */


#include <imgp/imgp_addr.h>


typedef struct {
    u_char     prefix[4];
    uint8_t    bits;
} imgp_addr_net_t;


static imgp_uint_t imgp_addr_in(const u_char addr[4],
    const imgp_addr_net_t *nets, imgp_uint_t n);


static const imgp_addr_net_t  imgp_addr_special4[] = {
    { { 0, 0, 0, 0 }, 8 },            /* this network */
    { { 10, 0, 0, 0 }, 8 },           /* private */
    { { 100, 64, 0, 0 }, 10 },        /* shared, of carriers */
    { { 127, 0, 0, 0 }, 8 },          /* loopback */
    { { 169, 254, 0, 0 }, 16 },       /* link-local: clouds' metadata */
    { { 172, 16, 0, 0 }, 12 },        /* private */
    { { 192, 0, 0, 0 }, 24 },         /* protocols */
    { { 192, 0, 2, 0 }, 24 },         /* documentation */
    { { 192, 88, 99, 0 }, 24 },       /* 6to4 relays */
    { { 192, 168, 0, 0 }, 16 },       /* private */
    { { 198, 18, 0, 0 }, 15 },        /* benchmarks */
    { { 198, 51, 100, 0 }, 24 },      /* documentation */
    { { 203, 0, 113, 0 }, 24 },       /* documentation */
    { { 224, 0, 0, 0 }, 3 }           /* multicast, reserved, broadcast */
};


/* the first 32 bits of addresses in 2000::/3 */

static const imgp_addr_net_t  imgp_addr_special6[] = {
    { { 0x20, 0x01, 0x00, 0x00 }, 23 },   /* protocols, Teredo */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32 },   /* documentation */
    { { 0x20, 0x02, 0x00, 0x00 }, 16 },   /* 6to4 */
    { { 0x3f, 0xff, 0x00, 0x00 }, 20 }    /* documentation */
};


imgp_uint_t
imgp_addr_public4(const u_char addr[4])
{
    return !imgp_addr_in(addr, imgp_addr_special4,
                         imgp_nelts(imgp_addr_special4));
}


imgp_uint_t
imgp_addr_public6(const u_char addr[16])
{
    if ((addr[0] & 0xe0) != 0x20
        || imgp_addr_in(addr, imgp_addr_special6,
                        imgp_nelts(imgp_addr_special6)))
    {
        return 0;
    }

    /* ISATAP: the interface is 0000:5efe or 0200:5efe and an IPv4 address */

    return !((addr[8] & 0xfd) == 0 && addr[9] == 0
             && addr[10] == 0x5e && addr[11] == 0xfe);
}


static imgp_uint_t
imgp_addr_in(const u_char addr[4], const imgp_addr_net_t *nets,
    imgp_uint_t n)
{
    uint32_t      a, net, mask;
    imgp_uint_t   i;

    a = (uint32_t) addr[0] << 24 | (uint32_t) addr[1] << 16
        | (uint32_t) addr[2] << 8 | addr[3];

    for (i = 0; i < n; i++) {
        net = (uint32_t) nets[i].prefix[0] << 24
              | (uint32_t) nets[i].prefix[1] << 16
              | (uint32_t) nets[i].prefix[2] << 8 | nets[i].prefix[3];
        mask = 0xffffffff << (32 - nets[i].bits);

        if ((a & mask) == net) {
            return 1;
        }
    }

    return 0;
}
