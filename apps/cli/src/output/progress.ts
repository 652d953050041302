/**
 * One line on a terminal's stderr that is written over and over; nothing where stderr is no terminal.
 * Called without a text, it clears the line.
 */
export function progress(): (text?: string) => void {
  if (!process.stderr.isTTY) return () => undefined;
  return (text = '') => {
    process.stderr.write(`\r\u001b[2K${text}`);
  };
}
