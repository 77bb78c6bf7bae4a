import {
  type ColumnDefinitionNode,
  DataTypeNode,
  type KyselyPlugin,
  OperationNodeTransformer,
  type PluginTransformQueryArgs,
  type PluginTransformResultArgs,
  RawNode,
} from 'kysely'

/** Columns of text are made to be in the order of bytes, as in SQLite, whatever the language of the database is. */
export class ByteOrder implements KyselyPlugin {
  readonly #transformer = new Columns()

  transformQuery({ node }: PluginTransformQueryArgs) {
    return this.#transformer.transformNode(node)
  }

  async transformResult({ result }: PluginTransformResultArgs) {
    return result
  }
}

class Columns extends OperationNodeTransformer {
  protected override transformColumnDefinition(node: ColumnDefinitionNode): ColumnDefinitionNode {
    const { dataType, ...column } = super.transformColumnDefinition(node)
    const isText = DataTypeNode.is(dataType) && dataType.dataType === 'text'
    return { ...column, dataType: isText ? RawNode.createWithSql('text collate "C"') : dataType }
  }
}
