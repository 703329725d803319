/** A table as a CSV file that spreadsheets open as text. */

/** A cell that starts with one of these may run as a formula in a spreadsheet. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/

/** Every cell is quoted. A cell that could be a formula gets a leading apostrophe. */
const toCell = (text: string): string =>
  `"${(FORMULA.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`

export const toCsv = (rows: readonly (readonly string[])[]): string =>
  rows.map((row) => `${row.map(toCell).join(',')}\r\n`).join('')

/** Without it spreadsheets read UTF-8 as another encoding. */
export const BYTE_ORDER_MARK = '\uFEFF'
