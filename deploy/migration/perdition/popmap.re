^[a-m][^@]*@example\.org$: mail-east.internal:110
^[n-z][^@]*@example\.org$: mail-west.internal:110
^sales@example\.net$: sales.team@mail-east.internal:110
