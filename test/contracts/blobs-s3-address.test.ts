import { describe, expect, test } from 'vitest'
import { s3Address } from '../../src/blobs/s3-address.ts'

describe('BLOBS_URL of S3', () => {
  test.each([
    [
      's3://my-bucket?region=eu-central-1',
      { bucket: 'my-bucket', endpoint: undefined, region: 'eu-central-1', prefix: '', isPathStyle: false },
    ],
    [
      's3://my.bucket?endpoint=https://minio.example.com:9000/',
      {
        bucket: 'my.bucket',
        endpoint: 'https://minio.example.com:9000',
        region: 'us-east-1',
        prefix: '',
        isPathStyle: true,
      },
    ],
    [
      's3://b-1/?endpoint=http%3A%2F%2F127.0.0.1%3A80%2Fs3&region=garage&prefix=docs/one/&pathStyle=false',
      {
        bucket: 'b-1',
        endpoint: 'http://127.0.0.1:80/s3',
        region: 'garage',
        prefix: 'docs/one/',
        isPathStyle: false,
      },
    ],
    [
      's3://bbb?region=us-east-1&pathStyle=true',
      { bucket: 'bbb', endpoint: undefined, region: 'us-east-1', prefix: '', isPathStyle: true },
    ],
  ])('%s is understood', (url, address) => {
    expect(s3Address(url)).toEqual(address)
  })

  test.each([
    ['s3:', 'bucket'],
    ['s3://', 'bucket'],
    ['https://bucket?region=x', 'must be like s3://'],
    ['s3://ab?region=x', '3 to 63'],
    ['s3://My_Bucket?region=x', '3 to 63'],
    ['s3://bucket:80?region=x', '3 to 63'],
    ['s3://bucket', 'region= is needed without endpoint='],
    ['s3://bucket?region=EU Central', 'region= must be like'],
    ['s3://bucket/folder?region=x', 'prefix='],
    ['s3://bucket?region=x#y', 'fragment'],
    ['s3://bucket?region=x&region=y', 'region= is given twice'],
    ['s3://bucket?region=x&pathstyle=true', 'knows no pathstyle='],
    ['s3://bucket?region=x&pathStyle=yes', 'pathStyle= must be true or false'],
    ['s3://bucket?region=x&prefix=/a', 'prefix='],
    ['s3://bucket?region=x&prefix=a//b', 'prefix='],
    ['s3://bucket?region=x&prefix=../a', 'prefix='],
    ['s3://bucket?region=x&prefix=a b', 'prefix='],
    ['s3://bucket?endpoint=minio:9000', 'endpoint= must be an http(s) address'],
    ['s3://bucket?endpoint=http://a?b=c', 'endpoint= must not carry'],
  ])('%s is refused with a word', (url, word) => {
    expect(() => s3Address(url)).toThrow(/^BLOBS_URL: /)
    expect(() => s3Address(url)).toThrow(word)
  })

  test.each([
    's3://AKIAKEY:hunter22@bucket?region=x',
    's3://bucket?endpoint=https://AKIAKEY:hunter22@minio.example.com',
    's3://bucket?region=x&secret=hunter22',
  ])('credentials in it are refused and not repeated', (url) => {
    expect(() => s3Address(url)).toThrow(/^BLOBS_URL: (?!.*hunter22)(?!.*AKIAKEY)/)
  })

  test('everything that is wrong is named at once', () => {
    expect(() => s3Address('s3://ab/c?x=1')).toThrow(/3 to 63.*prefix=.*knows no x=.*region= is needed/)
  })
})
