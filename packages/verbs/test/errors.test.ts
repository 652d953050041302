import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { checkPowerOfTwo } from '../src/limits.ts';
import { refuse, VerbsError } from '../src/errors.ts';
import {
  isPermissionError,
  Opcode,
  opcodeName,
  statusName,
  WorkCompletionStatus,
} from '../src/work-completion.ts';

describe('VerbsError', () => {
  it('names the verb, the code and the reason', () => {
    const error = refuse('ibv_reg_mr', 'EINVAL', '0 bytes');
    expect(error).toBeInstanceOf(VerbsError);
    expect(error).toBeInstanceOf(Error);
    expect(error.message).toBe('ibv_reg_mr: EINVAL (0 bytes)');
    expect(error).toMatchObject({
      name: 'VerbsError',
      verb: 'ibv_reg_mr',
      code: 'EINVAL',
      errno: 22,
    });
  });

  it('keeps its cause', () => {
    const cause = new Error('below');
    expect(new VerbsError('ibv_open_device', 'ENODEV', 19, undefined, { cause }).cause).toBe(cause);
    expect(new VerbsError('ibv_open_device', 'ENODEV', 19).message).toBe('ibv_open_device: ENODEV');
  });

  it('has the numbers of this kernel', () => {
    for (const code of [
      'EINVAL',
      'ENOMEM',
      'ENODEV',
      'ENOENT',
      'EBUSY',
      'EBADF',
      'EMSGSIZE',
    ] as const)
      expect(refuse('x', code, '').errno, code).toBe(constants.errno[code]);
    expect(refuse('x', 'ENOTSUP', '').errno).toBe(constants.errno.EOPNOTSUPP);
    expect(refuse('x', 'ENOTCONN', '').errno).toBe(constants.errno.ENOTCONN);
  });
});

describe('work completions', () => {
  it('has every status of enum ibv_wc_status, in order', () => {
    expect(Object.values(WorkCompletionStatus)).toEqual(Array.from({ length: 23 }, (_, i) => i));
    expect(statusName(0)).toBe('success');
    expect(statusName(12)).toBe('retryExceeded');
    expect(statusName(99)).toBe('generalError');
  });

  it('takes 9 and 10, and nothing else, for lack of permission', () => {
    const statuses = Object.values(WorkCompletionStatus).filter(isPermissionError);
    expect(statuses).toEqual([9, 10]);
  });

  it('names opcodes, and refuses what is none', () => {
    for (const [name, opcode] of Object.entries(Opcode)) expect(opcodeName(opcode)).toBe(name);
    expect(() => opcodeName(7)).toThrow(RangeError);
  });
});

describe('checkPowerOfTwo', () => {
  it('accepts powers of two up to the limit', () => {
    for (const depth of [1, 2, 64, 1024])
      expect(() => {
        checkPowerOfTwo('ibv_create_cq', depth, 1024);
      }).not.toThrow();
    for (const depth of [0, 3, -2, 0.5, NaN, 2048])
      expect(() => {
        checkPowerOfTwo('ibv_create_cq', depth, 1024);
      }).toThrowError(expect.objectContaining({ code: 'EINVAL' }));
  });
});
