// What runs in the guest, in this order: name, seconds at most, command (`.` = the shell file of that name).
export const SUITES = [{ name: 'smoke', seconds: 60, command: '.' }];
