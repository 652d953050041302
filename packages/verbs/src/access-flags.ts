/**
 * What local and remote queue pairs may do to a memory region, and what a queue pair admits from
 * its peer: bits as in `enum ibv_access_flags` (ibv_reg_mr(3), ibv_modify_qp(3)).
 *
 * `IBV_ACCESS_RELAXED_ORDERING` is absent on purpose: with it the bytes of one write may land in any
 * order, and an integrity check at the end of an entry would prove nothing.
 */
export const AccessFlags = {
  none: 0,
  localWrite: 1,
  remoteWrite: 2,
  remoteRead: 4,
  remoteAtomic: 8,
} as const;

/** Every flag this library knows; anything beyond is refused with EINVAL. */
export const ACCESS_FLAGS_ALL = 15;
