import type { Fen } from '../core/money.ts'

export interface Product {
  readonly sku: string
  readonly name: string
  readonly price: Fen
}

/** A product, and whether it can be ordered. */
export interface ListedProduct extends Product {
  readonly active: boolean
}

export interface Catalogue {
  /** Active products only, by sku. */
  list(): Promise<readonly Product[]>
  /** All products, by sku. */
  listAll(): Promise<readonly ListedProduct[]>
  /** Adds or changes; atomic. */
  save(products: readonly ListedProduct[], at: Date): Promise<void>
}
