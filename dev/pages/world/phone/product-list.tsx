/** The catalogue. A tap on a product places the order and opens the cashier. */
import { useState } from 'preact/hooks'
import { inYuan } from '../../../../miniprogram/money.ts'
import { useTexts } from '../../base/language.tsx'
import { Loaded, useLoaded } from './loaded.tsx'
import type { ScreenProps } from './screen.ts'
import { phoneTexts } from './texts.ts'

export function ProductList({ client, showOutcome, setNotice }: ScreenProps) {
  const say = useTexts(phoneTexts)
  const [buying, setBuying] = useState<string | null>(null)
  const products = useLoaded(() => client.products(), [])

  const buy = async (sku: string) => {
    setNotice('')
    setBuying(sku)
    const outcome = await client.buy([{ sku, quantity: 1 }])
    setBuying(null)
    showOutcome(outcome)
  }

  return (
    <Loaded loading={products}>
      {(list) =>
        list.length === 0 ? (
          <div class="phone-empty">
            <p>{say('nothingOnSale')}</p>
            <p class="hint">{say('nothingOnSaleHint')}</p>
            <button type="button" onClick={products.reload}>
              {say('reload')}
            </button>
          </div>
        ) : (
          <ul class="cards">
            {list.map(({ sku, name, price }) => (
              <li key={sku} class="card product">
                <span class="product-picture" aria-hidden="true">
                  {name.slice(0, 1)}
                </span>
                <span class="product-name">{name}</span>
                <span class="price">{inYuan(price)}</span>
                <button
                  type="button"
                  class="wechat-button small"
                  disabled={buying !== null}
                  aria-label={say('buyProduct', { name })}
                  onClick={() => void buy(sku)}
                >
                  {buying === sku ? '…' : say('buy')}
                </button>
              </li>
            ))}
          </ul>
        )
      }
    </Loaded>
  )
}
