/** Reduces a source map to what the log needs: the file and the line, without columns and names. */

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/**
 * Decodes one segment of Base64 VLQ. Each digit has five bits of the number, and a sixth bit that
 * says whether more digits follow. The lowest bit of the number is the sign.
 */
function decode(segment: string): readonly number[] {
  const numbers: number[] = []
  let [value, shift] = [0, 0]
  for (const digit of segment) {
    const bits = DIGITS.indexOf(digit)
    value += (bits % 32) * 2 ** shift
    shift += 5
    if (bits >= 32) continue
    numbers.push(value % 2 === 1 ? -Math.floor(value / 2) : value / 2)
    ;[value, shift] = [0, 0]
  }
  return numbers
}

function encode(number: number): string {
  let [rest, text] = [number < 0 ? -number * 2 + 1 : number * 2, '']
  do {
    const bits = rest % 32
    rest = Math.floor(rest / 32)
    text += DIGITS.charAt(rest > 0 ? bits + 32 : bits)
  } while (rest > 0)
  return text
}

/** Keeps one segment where a source line begins, instead of one for each token. */
export function keepLines(mappings: string): string {
  let [source, line, lastSource, lastLine] = [0, 0, 0, 0]
  const lines = mappings.split(';').map((generated) => {
    let [column, lastColumn] = [0, 0]
    let last: string | undefined
    const kept: string[] = []
    for (const segment of generated.split(',').filter((one) => one !== '')) {
      const [columns = 0, sources, rows = 0] = decode(segment)
      column += columns
      source += sources ?? 0
      line += rows
      // Package code has no source in the map. It must not be attributed to the line before it.
      const place = sources === undefined ? 'none' : `${source}:${line}`
      if (place === last) continue
      const where = sources === undefined ? [] : [source - lastSource, line - lastLine, 0]
      kept.push([column - lastColumn, ...where].map(encode).join(''))
      lastColumn = column
      last = place
      if (sources !== undefined) [lastSource, lastLine] = [source, line]
    }
    return kept.join(',')
  })
  // Without a separator after it, Node reads a last segment without a source as the first line of
  // the first source.
  return `${lines.join(';')};`
}
