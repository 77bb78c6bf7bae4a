// Connect to SignalR hub
import * as signalR from '@microsoft/signalr';
const connection = new signalR.HubConnectionBuilder()
  .withUrl('https://nuto.thamming.com/hubs/document')
  .withAutomaticReconnect()
  .build();
await connection.start();
// Join a document room
await connection.invoke(
  'JoinDocument',
  'doc-id-here', // documentId
  'John Doe', // userName (optional)
  '#FF6B6B' // userColor (optional)
);
// Listen for other users joining
connection.on('UserJoined', (connId) => { console.log(`User joined: ${connId}`); });
