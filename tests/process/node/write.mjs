// Writes a LevelDB as the JavaScript predecessor did: through classic-level,
// with sublevel-like keys, JSON and binary values, overwrites and deletes.
//   node write.mjs DIRECTORY COUNT close|crash
// "crash" ends the process without closing, as `docker kill` does.

import { createHash } from 'node:crypto'
import { ClassicLevel } from 'classic-level'

const [directory, countText, ending] = process.argv.slice(2)
const count = Number(countText)
const db = new ClassicLevel(directory, {
  keyEncoding: 'buffer', valueEncoding: 'buffer', writeBufferSize: 64 * 1024
})
await db.open()

const key = (number) =>
  Buffer.from(`!events!${String(number).padStart(12, '0')}`)
const value = (number, version) => {
  const digest = createHash('sha512').update(`${number}.${version}`).digest()
  return Buffer.from(JSON.stringify({
    id: number, version, type: 'order.created', body: digest.toString('hex')
  }))
}

for (let first = 0; first < count; first += 100) {
  const batch = []
  for (let n = first; n < Math.min(first + 100, count); n++) {
    batch.push({ type: 'put', key: key(n), value: value(n, 1) })
    if (n % 7 === 3) {
      batch.push({ type: 'put', key: key(n - 3), value: value(n - 3, 2) })
    }
    if (n % 11 === 5) batch.push({ type: 'del', key: key(n - 4) })
  }
  batch.push({
    type: 'put', key: Buffer.from('!meta!head'), value: Buffer.from(`${first}`)
  })
  await db.batch(batch, { sync: first % 1000 === 0 })
}
await db.put(Buffer.from('ключ/é/☃'), Buffer.from('unicode'))
await db.put(Buffer.from([0x00, 0xff, 0x0a, 0x80]), Buffer.from([0, 1, 2]))
await db.put(Buffer.from('empty'), Buffer.alloc(0))

if (ending === 'close') {
  await db.close()
  console.log('closed')
} else {
  console.log('written')
  process.kill(process.pid, 'SIGKILL')
}
