import type { StorageUse } from '../../core/administration/storage-use.ts'

export async function storagePart(storageUse: () => Promise<StorageUse>) {
  return { use: await storageUse() }
}
