/** Wraps lines for a terminal, in which a Chinese character is two columns wide. */

const WIDE =
  '\\u1100-\\u115f\\u2e80-\\u303e\\u3041-\\ua4cf\\uac00-\\ud7a3\\uf900-\\ufaff\\ufe30-\\ufe4f\\uff00-\\uff60\\uffe0-\\uffe6'
const wide = new RegExp(`[${WIDE}]`, 'g')

/**
 * The units that are not split: a space, a word, or a wide character with the punctuation after it.
 */
const piece = new RegExp(` |[${WIDE}][，。：；、）”,.:;)]*|[^ ${WIDE}]+`, 'g')

const columnsOf = (text: string): number => text.length + (text.match(wide)?.length ?? 0)

/** A unit that is longer than a line stays whole. */
export function wrap(text: string, columns: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const next of text.match(piece) ?? []) {
    if (line !== '' && columnsOf((line + next).trimEnd()) > columns) {
      lines.push(line.trimEnd())
      line = ''
    }
    if (line !== '' || next !== ' ') line += next
  }
  return [...lines, line.trimEnd()]
}
