import { toBeijingDigits } from '../../core/time.ts'

/** Reads `yyyyMMddHHmmss` in Beijing time; null if there is no such moment (`20250230…`). */
export function parseBeijingDigits(text: string): Date | null {
  const parts = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})$/.exec(text)
  if (parts === null) return null
  const [, year, month, day, hour, minute, second] = parts
  const at = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}+08:00`)
  return !Number.isNaN(at.getTime()) && toBeijingDigits(at) === text ? at : null
}
