import { err, ok, type Result } from './result.ts'

declare const fen: unique symbol

/** A whole number of fen (1 yuan = 100 fen), at least 1. Made only by the three functions below. */
export type Fen = number & { readonly [fen]: true }

/** 21,474,836.47 yuan: what a 32-bit column and WeChat's `Int` can both hold. */
export const MAX_FEN = 2_147_483_647

/** Accepts a whole number of fen from 1 to `MAX_FEN`; a fraction, zero or a negative amount is no price. */
export function toFen(value: number): Result<Fen, 'not_fen'> {
  return Number.isInteger(value) && value >= 1 && value <= MAX_FEN
    ? ok(value as Fen)
    : err('not_fen')
}

/**
 * Reads an amount the way WeChat writes it: a decimal string of whole fen.
 *
 * Digits only. "1e3", "12.0", "007" and " 12" are refused rather than guessed at: a wrong guess charges somebody wrongly.
 */
export function parseFen(text: string): Result<Fen, 'not_fen'> {
  return /^[1-9]\d{0,9}$/.test(text) ? toFen(Number(text)) : err('not_fen')
}

/**
 * Reads an amount the way bills write it: yuan with up to two decimals, `28.00`.
 *
 * By digits, never through a fraction: 0.29 yuan times a hundred is 28.999999999999996. "1e3", "28.001", ".5" and zero are
 * refused.
 */
export function parseYuan(text: string): Result<Fen, 'not_fen'> {
  const parts = /^(0|[1-9]\d{0,7})(?:\.(\d{1,2}))?$/.exec(text)
  return parts === null
    ? err('not_fen')
    : toFen(Number(`${parts[1]}${(parts[2] ?? '').padEnd(2, '0')}`))
}
