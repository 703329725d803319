import { useState } from 'preact/hooks'
import { useTexts } from '../base/language.tsx'
import { readNothing, readProducts, type Product } from './answers.ts'
import { ActionForm } from './action-form.tsx'
import type { Answer } from './client.ts'
import { ListView } from './list-view.tsx'
import { parseYuan, toYuan } from './money.ts'
import { useSession } from './session.tsx'

const texts = {
  title: ['Catalogue', '商品'],
  empty: ['There is no product yet.', '还没有商品。'],
  sku: ['Product number (sku)', '商品编号（sku）'],
  name: ['Name', '名称'],
  price: ['Price', '价格'],
  priceInYuan: ['Price in yuan', '价格（元）'],
  state: ['On sale', '是否在售'],
  on: ['On sale', '在售'],
  off: ['Not on sale', '已下架'],
  takeOff: ['Take off sale', '下架'],
  putOn: ['Put on sale', '上架'],
  add: ['Add or change a product', '新增或修改商品'],
  addMeans: [
    'If the sku exists, its product is changed. Earlier orders keep their price and name.',
    '编号已存在时，会修改该商品；已有订单的价格和名称不变。',
  ],
  save: ['Save', '保存'],
} as const

export function CatalogueView() {
  const say = useTexts(texts)
  const { client, mayAct } = useSession()
  const [turn, setTurn] = useState(0)
  const save = (product: Product) =>
    client.send('PUT', '/api/products', { products: [product] }, readNothing)
  const load = async () => {
    const answer = await client.get('/api/products', {}, readProducts)
    return answer.ok ? { ...answer, value: { rows: answer.value.products, next: null } } : answer
  }
  return (
    <>
      <ListView<Product>
        title={say('title')}
        empty={say('empty')}
        filter={String(turn)}
        file="products"
        rowKey={({ sku }) => sku}
        load={load}
        columns={[
          { label: say('sku'), text: ({ sku }) => sku },
          { label: say('name'), text: ({ name }) => name },
          { label: say('price'), text: ({ price }) => toYuan(price), isNumber: true },
          {
            label: say('state'),
            text: ({ active }) => (active ? say('on') : say('off')),
            cell: (product, reload) => (
              <div class="row">
                <span class={product.active ? 'mark good' : 'mark'}>
                  {product.active ? say('on') : say('off')}
                </span>
                {mayAct && (
                  <ActionForm
                    submit={product.active ? say('takeOff') : say('putOn')}
                    onDone={reload}
                    run={() => save({ ...product, active: !product.active })}
                  />
                )}
              </div>
            ),
          },
        ]}
      />
      {mayAct && <ProductForm save={save} onDone={() => setTurn(turn + 1)} />}
    </>
  )
}

interface Props {
  readonly save: (product: Product) => Promise<Answer<null>>
  readonly onDone: () => void
}

function ProductForm({ save, onDone }: Props) {
  const say = useTexts(texts)
  const [sku, setSku] = useState('')
  const [name, setName] = useState('')
  const [price, setPrice] = useState('')
  const fen = parseYuan(price)
  return (
    <section class="card" aria-labelledby="product">
      <h2 id="product">{say('add')}</h2>
      <ActionForm
        tone="primary"
        submit={say('save')}
        isReady={/^[0-9A-Za-z._-]{1,64}$/.test(sku) && name.trim() !== '' && fen !== null}
        onDone={() => {
          setSku('')
          setName('')
          setPrice('')
          onDone()
        }}
        run={() => save({ sku, name: name.trim(), price: fen ?? 0, active: true })}
      >
        <p class="quiet">{say('addMeans')}</p>
        <label>
          {say('sku')}
          <input
            maxLength={64}
            value={sku}
            onInput={(event) => setSku(event.currentTarget.value.trim())}
          />
        </label>
        <label>
          {say('name')}
          <input
            maxLength={100}
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <label>
          {say('priceInYuan')}
          <input
            inputMode="decimal"
            value={price}
            onInput={(event) => setPrice(event.currentTarget.value)}
          />
        </label>
      </ActionForm>
    </section>
  )
}
