module sessionpool/clients

go 1.24

require github.com/sijms/go-ora/v2 v2.8.24
