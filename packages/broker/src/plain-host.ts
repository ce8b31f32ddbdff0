/** An IPv4 address that came in through an IPv6 socket is shown, and advertised, as what it is. */
export const plainHost = (host: string): string => (host.startsWith('::ffff:') ? host.slice(7) : host)
