import { err, ok, type Result } from './result.ts'

declare const fen: unique symbol

/** A whole number of fen (1 yuan = 100 fen), at least 1. Made only by the two functions below. */
export type Fen = number & { readonly [fen]: true }

/** 21,474,836.47 yuan: the largest amount that fits a 32-bit column and WeChat's `Int`. */
export const MAX_FEN = 2_147_483_647

/** Accepts a whole number of fen from 1 to `MAX_FEN`. */
export function toFen(value: number): Result<Fen, 'not_fen'> {
  return Number.isInteger(value) && value >= 1 && value <= MAX_FEN
    ? ok(value as Fen)
    : err('not_fen')
}

/**
 * Reads an amount as WeChat writes it: whole fen in decimal digits.
 *
 * "1e3", "12.0", "007" and " 12" are refused: a wrong guess would charge a wrong amount.
 */
export function parseFen(text: string): Result<Fen, 'not_fen'> {
  return /^[1-9]\d{0,9}$/.test(text) ? toFen(Number(text)) : err('not_fen')
}
