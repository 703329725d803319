import type { Fen } from '../core/money.ts'

export interface Product {
  readonly sku: string
  readonly name: string
  readonly price: Fen
}

export interface Catalogue {
  /** Active products only, by sku. */
  list(): Promise<readonly Product[]>
  /** Adds or changes; atomic. */
  save(products: readonly (Product & { readonly active: boolean })[], at: Date): Promise<void>
}
