/** The merchant's console without a browser: its size, its CSV files and its amounts. */
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { deployedPages } from '../../dev/build/page-files.ts'
import { toCsv } from '../../dev/pages/console/csv.ts'
import { parseYuan, toYuan } from '../../dev/pages/console/money.ts'
import { endOf, startOf, toBeijing } from '../../dev/pages/console/time.ts'

const BUDGET_BYTES = 100_000

test('the console is smaller than 100 kB, compressed', async () => {
  const files = await Promise.all([...deployedPages.values()].map((read) => read()))
  const bytes = files.reduce((sum, file) => sum + gzipSync(file).length, 0)
  expect(bytes).toBeLessThan(BUDGET_BYTES)
})

test('the console has no inline script or style, and never writes markup', async () => {
  const read = async (name: string) => (await deployedPages.get(name)?.()) ?? ''
  expect(await read('console.html')).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=/i)
  expect(await read('console.js')).not.toMatch(
    /\beval\(|new Function|document\.write|insertAdjacentHTML/,
  )
})

test.each([
  ['=1+1', `"'=1+1"`],
  ['+1', `"'+1"`],
  ['-1', `"'-1"`],
  ['@SUM(A1)', `"'@SUM(A1)"`],
  ['\t=1', `"'\t=1"`],
  ['\r=1', `"'\r=1"`],
  ['＝1', `"'＝1"`],
  ['say "hi", then', `"say ""hi"", then"`],
  ['1-1', '"1-1"'],
  ['', '""'],
])('the cell %j is written as %s', (text, cell) => {
  expect(toCsv([[text, 'b']])).toBe(`${cell},"b"\r\n`)
})

test.each([
  ['12', 1_200],
  ['12.5', 1_250],
  [' 0.01 ', 1],
  ['0', null],
  ['0.00', null],
  ['1.234', null],
  ['1,000', null],
  ['-1', null],
  ['1e3', null],
  ['', null],
])('the amount %j is %j fen', (text, fen) => {
  expect(parseYuan(text)).toBe(fen)
})

test('amounts and times are shown in yuan and in Beijing', () => {
  expect([toYuan(123_450), toYuan(-1)]).toEqual(['¥1,234.50', '-¥0.01'])
  expect(toBeijing('2026-11-29T16:00:01Z')).toBe('2026-11-30 00:00:01')
  expect([startOf('2026-11-30'), endOf('2026-12-31'), startOf('')]).toEqual([
    '2026-11-30T00:00:00+08:00',
    '2027-01-01T00:00:00+08:00',
    '',
  ])
})
